# Set ASG_NAME, S3_BUCKET, AWS_REGION and the other settings as the deployed controller has them:
# scripts/setup_env.ps1. $env:PYTHON names the interpreter.
$ErrorActionPreference = 'Stop'

$script = Join-Path $PSScriptRoot 'setup_env.py'

if ($env:PYTHON) {
    $text = & $env:PYTHON $script --format json
}
elseif (Get-Command py -ErrorAction SilentlyContinue) {
    $text = & py -3 $script --format json
}
else {
    $text = & python3 $script --format json
}
if ($LASTEXITCODE -ne 0) {
    throw 'the settings could not be read; the reason stands above'
}
$settings = $text | Out-String | ConvertFrom-Json
foreach ($setting in $settings.set.PSObject.Properties) {
    Set-Item -Path "Env:$($setting.Name)" -Value $setting.Value
}
foreach ($name in $settings.unset) {
    Remove-Item -Path "Env:$name"
}
