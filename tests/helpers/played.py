"""Which command of a document is run where.

Every command of the documents below has a row. Those of a scene are run, as they are written, by
tests/e2e/test_document_blocks.py; what cannot be run on a machine without an account says why.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.helpers.documents import shell_commands

README, DEPLOYMENT, TUTORIAL = "README.md", "DEPLOYMENT.md", "docs/tutorial.md"
DOCUMENTS = (README, DEPLOYMENT, TUTORIAL)


@dataclass(frozen=True)
class Scene:
    """Typed in a clone, document by document.

    `laptop`: files only. `group`: a group with history in a simulated AWS. `cloud`: Terraform
    against a simulated AWS. `load`: shoppers against the storefront.
    """

    name: str
    documents: tuple[str, ...] = DOCUMENTS


@dataclass(frozen=True)
class Elsewhere:
    """Another test runs the same, as its own subject."""

    test: str


@dataclass(frozen=True)
class NotHere:
    """It cannot be run here, for this reason."""

    reason: str


# The tutorial explains what `make demo` has left, which the README's next demonstration replaces.
LAPTOP = Scene("laptop", (TUTORIAL, README))
GROUP, CLOUD, LOAD = map(Scene, ("group", "cloud", "load"))
RECORDINGS = NotHere("it downloads recordings from their public sources")
OWN_TESTS = NotHere("it is the run that this test is part of")
SETUP = NotHere("it makes the environment that runs this test; .ci/run begins with it")
INSTANCE = NotHere("it needs an instance that runs, and a simulated AWS starts none")
PROGRAM = ".venv/bin/predictive-autoscaler"
SETTINGS = ". scripts/setup_env.sh"
QUICK_START = Elsewhere("tests/e2e/test_quick_start.py")

TABLE: dict[str, dict[str, Scene | Elsewhere | NotHere]] = {
    README: {
        "make demo": LAPTOP,
        f"{PROGRAM} explain --record out/demo/decisions.jsonl 2026-03-16T18:00:00Z": LAPTOP,
        "make test": OWN_TESTS,
        "scripts/quick_start.sh --plan-only": QUICK_START,
        SETTINGS: QUICK_START,
        f"{PROGRAM} mode": Elsewhere("tests/integration/test_mode.py"),
        "export AWS_REGION=eu-central-1 ASG_NAME=shop S3_BUCKET=my-autoscaler "
        "LOAD_BALANCER=app/shop/0123456789abcdef": GROUP,
        ".venv/bin/python ml-model/train_model.py --from cloudwatch --days 28 --publish": GROUP,
        f"{PROGRAM} decide": GROUP,
        f"{PROGRAM} backtest --from cloudwatch --days 14": GROUP,
        "pipx install '.[lab,load]'": Elsewhere("tests/e2e/test_wheel.py"),
        "predictive-autoscaler --install-completion": Elsewhere("tests/e2e/test_wheel.py"),
        ".venv/bin/python scripts/rebuild_traces.py --out traces": RECORDINGS,
        "make quality TRACES=traces": NotHere("it takes eight recordings and half an hour"),
        f"{PROGRAM} train --groups groups.json --from cloudwatch --publish": GROUP,
        "make demo TRACE=path/to/traffic.csv": Elsewhere("tests/e2e/test_demo.py"),
        f"{PROGRAM} backtest path/to/*.csv --policies all --out out/backtest": LAPTOP,
        f"{PROGRAM} backtest shop.csv --what-if --instance-hour-price 0.096": LAPTOP,
        f"{PROGRAM} backtest shop.csv --settings now.env --settings new.env": LAPTOP,
        ".venv/bin/python -m predictive_autoscaler.storefront --database out/shop.sqlite "
        "--port 8000 --workers 12 &": LOAD,
        "locust/run_test.sh --scenario surge --host http://127.0.0.1:8000 --duration 60s": LOAD,
        f"{PROGRAM} rehearse --scenario sinusoidal": Elsewhere("tests/e2e/test_rehearsal.py"),
    },
    DEPLOYMENT: {
        "scripts/quick_start.sh": QUICK_START,
        "scripts/quick_start.sh --plan-only": QUICK_START,
        "scripts/quick_start.sh --yes --environment dev --region eu-central-1 "
        "--email you@example.com --state-bucket STATE_BUCKET": QUICK_START,
        "terraform -chdir=terraform/bootstrap init": CLOUD,
        "terraform -chdir=terraform/bootstrap apply -var bucket=STATE_BUCKET": CLOUD,
        "make lambda": Elsewhere("tests/e2e/test_lambda_zip.py"),
        "cd terraform": CLOUD,
        "terraform init -backend-config=environments/dev.s3.tfbackend "
        "-backend-config=bucket=STATE_BUCKET": CLOUD,
        "terraform plan -var-file=environments/dev.tfvars -out=dev.tfplan": CLOUD,
        "terraform apply dev.tfplan": CLOUD,
        'curl "$(terraform output -raw shop_url)health/"': INSTANCE,
        'aws logs tail "/saleor-predictive-scaling-dev/worker" --follow': INSTANCE,
        "sudo docker compose --file /srv/shop/compose.yaml exec worker "
        "python3 manage.py createsuperuser": INSTANCE,
        "make setup": SETUP,
        SETTINGS: CLOUD,
        ".venv/bin/python ml-model/train_model.py --from cloudwatch --days 14 --publish": CLOUD,
        f"{PROGRAM} decide": CLOUD,
        f"{PROGRAM} mode": CLOUD,
        f"{PROGRAM} mode full": CLOUD,
        f"{PROGRAM} doctor --quiet": Elsewhere("tests/integration/test_doctor.py"),
        "terraform destroy -var-file=environments/dev.tfvars": CLOUD,
        "terraform apply -var-file=environments/prod.tfvars -var allow_destroy=true": NotHere(
            "a simulated AWS has no replication groups of Redis, no budgets and no log delivery, "
            "which prod has; tests/terraform plans it"
        ),
        "terraform destroy -var-file=environments/prod.tfvars -var allow_destroy=true": NotHere(
            "there is no prod to destroy, for the reason above"
        ),
    },
    TUTORIAL: {
        "make demo": LAPTOP,
        f"{PROGRAM} explain --record out/demo/decisions.jsonl 2026-03-16T18:00:00Z": LAPTOP,
        "make demo TRACE=shop.csv": LAPTOP,
        f"{PROGRAM} backtest shop.csv --out out/backtest": LAPTOP,
        f"{PROGRAM} collect --days 14 --out shop.csv": GROUP,
        SETTINGS: CLOUD,
        f"{PROGRAM} decide": GROUP,
        f"{PROGRAM} explain": GROUP,
        f"{PROGRAM} mode": GROUP,
        ".venv/bin/python scripts/rebuild_traces.py --out traces": RECORDINGS,
        "locust/run_test.sh --scenario replay --trace traces/ms_mongo_app1.csv --trace-hours 168 "
        "--duration 168h --peak-users 60 --host URL": NotHere("it takes a week"),
        "locust/run_test.sh --scenario step --host URL --out out/step": LOAD,
        f"{PROGRAM} calibrate out/step/run_stats_history.csv --objective-seconds 1 "
        "--settings shop.env": LOAD,
        ".venv/bin/python ml-model/train_model.py --from cloudwatch --days 14 --publish": GROUP,
        f"{PROGRAM} backtest --from cloudwatch --days 14": GROUP,
        f"{PROGRAM} retrain --dry-run": GROUP,
    },
}


def script(scene: Scene) -> list[str]:
    """What is typed in a scene: each command once, in its order of the documents."""
    typed = [
        command
        for document in scene.documents
        for command in shell_commands(document)
        if TABLE[document].get(command) == scene
    ]
    return list(dict.fromkeys(typed))
