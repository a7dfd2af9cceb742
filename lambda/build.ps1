# Build the Lambda's zip; "lambda/build.ps1 --help" tells the options. $env:PYTHON names the interpreter.
$ErrorActionPreference = 'Stop'

$root = Split-Path -Parent $PSScriptRoot
$script = Join-Path (Join-Path $root 'scripts') 'build_lambda.py'

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
