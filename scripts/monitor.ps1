# Watch a group: scripts/monitor.ps1 -Component asg -RefreshInterval 5
# Whatever else is given is passed on; "scripts/monitor.ps1 --help" tells all options. $env:PYTHON
# names the interpreter.
[CmdletBinding(PositionalBinding = $false)]
param(
    [string] $Component,
    [int] $RefreshInterval,
    [switch] $Once,
    [switch] $Json,
    [string] $AsgName,
    [string] $Region,
    [string] $AlarmPrefix,
    [string] $Function,
    [Parameter(ValueFromRemainingArguments = $true)] [string[]] $Rest
)
$ErrorActionPreference = 'Stop'

$words = @('-m', 'predictive_autoscaler', 'monitor')
if ($Component) { $words += @('--component', $Component) }
if ($PSBoundParameters.ContainsKey('RefreshInterval')) {
    $words += @('--refresh-interval', "$RefreshInterval")
}
if ($Once) { $words += '--once' }
if ($Json) { $words += '--json' }
if ($AsgName) { $words += @('--asg-name', $AsgName) }
if ($Region) { $words += @('--region', $Region) }
if ($AlarmPrefix) { $words += @('--alarm-prefix', $AlarmPrefix) }
if ($Function) { $words += @('--function', $Function) }
if ($Rest) { $words += $Rest }

$own = @('Scripts/python.exe', 'bin/python') |
    ForEach-Object { Join-Path $PSScriptRoot "../.venv/$_" } |
    Where-Object { Test-Path $_ } |
    Select-Object -First 1

if ($env:PYTHON) {
    & $env:PYTHON @words
}
elseif ($own) {
    & $own @words
}
elseif (Get-Command py -ErrorAction SilentlyContinue) {
    & py -3 @words
}
else {
    & python3 @words
}
exit $LASTEXITCODE
