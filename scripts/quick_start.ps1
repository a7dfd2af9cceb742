# Set the project up in an AWS account; "scripts/quick_start.ps1 --help" tells the options.
# $env:PYTHON names the interpreter.
$ErrorActionPreference = 'Stop'

$script = Join-Path $PSScriptRoot 'quick_start.py'

if ($env:PYTHON) {
    & $env:PYTHON $script @args
}
elseif (Get-Command py -ErrorAction SilentlyContinue) {
    & py -3 $script @args
}
else {
    & python3 $script @args
}
exit $LASTEXITCODE
