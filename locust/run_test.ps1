# Run a load test: locust/run_test.ps1 -Scenario baseline -ShopUrl http://shop:8000 -Duration 60s
# Whatever else is given is passed on; "locust/run_test.ps1 --help" tells all options. $env:PYTHON
# names the interpreter.
[CmdletBinding(PositionalBinding = $false)]
param(
    [string] $Scenario,
    [Alias('Host')] [string] $ShopUrl,
    [string] $Duration,
    [int] $Workers,
    [string] $Channel,
    [string] $Out,
    [switch] $WebUi,
    [Parameter(ValueFromRemainingArguments = $true)] [string[]] $Rest
)
$ErrorActionPreference = 'Stop'

$words = @()
if ($Scenario) { $words += @('--scenario', $Scenario) }
if ($ShopUrl) { $words += @('--host', $ShopUrl) }
if ($Duration) { $words += @('--duration', $Duration) }
if ($PSBoundParameters.ContainsKey('Workers')) { $words += @('--workers', "$Workers") }
if ($Channel) { $words += @('--channel', $Channel) }
if ($Out) { $words += @('--out', $Out) }
if ($WebUi) { $words += '--web-ui' }
if ($Rest) { $words += $Rest }

$script = Join-Path $PSScriptRoot 'run_test.py'

if ($env:PYTHON) {
    & $env:PYTHON $script @words
}
elseif (Get-Command py -ErrorAction SilentlyContinue) {
    & py -3 $script @words
}
else {
    & python3 $script @words
}
exit $LASTEXITCODE
