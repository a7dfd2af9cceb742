"""A moto server that stands for AWS, with a load balancer, a group and their metrics."""

from __future__ import annotations

import logging
import os
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from predictive_autoscaler.core.types import Samples

REGION = "eu-central-1"
GROUP = "shop"
BUCKET = "shop-predictive-scaling"
_BATCH = 1000

_SUMS = {
    "requests": ("AWS/ApplicationELB", "RequestCount"),
    "refused": ("AWS/ApplicationELB", "HTTPCode_ELB_503_Count"),
    "errors": ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"),
}
_LEVELS = {
    "response_time_seconds": ("AWS/ApplicationELB", "TargetResponseTime"),
    "cpu_percent": ("AWS/EC2", "CPUUtilization"),
    "in_service": ("AWS/AutoScaling", "GroupInServiceInstances"),
    "healthy_hosts": ("AWS/ApplicationELB", "HealthyHostCount"),
}


@dataclass(frozen=True)
class LocalAws:
    """What was made in it, and how to reach it.

    Attributes:
        environment: variables that point any AWS SDK, ours too, at this server.
    """

    endpoint: str
    load_balancer: str
    target_group: str
    environment: Mapping[str, str]

    def client(self, service: str) -> Any:
        """A boto3 client of this server."""
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # nosec B106 # of the server on loopback
        )


@contextmanager
def local_aws(min_instances: int, max_instances: int, desired: int) -> Iterator[LocalAws]:
    """Start the server on a free loopback port, build the group, and stop it at the end."""
    # Without a level of its own it writes a line to the terminal for every request.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        variables = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",  # nosec B105 # the same
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        # moto's state outlives its server within a process.
        reset = f"{endpoint}/moto-api/reset"
        urllib.request.urlopen(reset, data=b"", timeout=10).close()  # nosec B310 # on loopback
        aws = LocalAws(endpoint, "", "", variables)
        load_balancer, target_group = _build(aws, min_instances, max_instances, desired)
        yield LocalAws(endpoint, load_balancer, target_group, variables)
    finally:
        server.stop()


@contextmanager
def pointed_at(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for as long as the block runs."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _build(aws: LocalAws, low: int, high: int, desired: int) -> tuple[str, str]:
    """Bucket, load balancer, target group and group; returns the CloudWatch dimensions."""
    ec2, balancing = aws.client("ec2"), aws.client("elbv2")
    aws.client("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2]]
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    template = ec2.create_launch_template(
        LaunchTemplateName=GROUP,
        LaunchTemplateData={"ImageId": "ami-12c6146b", "InstanceType": "t3.medium"},
    )["LaunchTemplate"]["LaunchTemplateId"]
    balancer = balancing.create_load_balancer(Name=GROUP, Subnets=subnets)["LoadBalancers"][0]
    targets = balancing.create_target_group(
        Name=GROUP, Protocol="HTTP", Port=8000, VpcId=vpc, HealthCheckPath="/health/"
    )["TargetGroups"][0]
    aws.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=GROUP,
        LaunchTemplate={"LaunchTemplateId": template, "Version": "1"},
        MinSize=low,
        MaxSize=high,
        DesiredCapacity=desired,
        VPCZoneIdentifier=",".join(subnets),
        TargetGroupARNs=[targets["TargetGroupArn"]],
    )
    load_balancer = balancer["LoadBalancerArn"].split(":loadbalancer/")[1]
    target_group = targets["TargetGroupArn"].split(":")[-1]
    _put_policies(aws, f"{load_balancer}/{target_group}")
    return load_balancer, target_group


def _put_policies(aws: LocalAws, resource_label: str) -> None:
    """The target tracking that a group has before anybody else scales it."""
    cpu = {"PredefinedMetricType": "ASGAverageCPUUtilization"}
    requests = {"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": resource_label}
    for name, metric, target in (("cpu", cpu, 70.0), ("requests", requests, 1000.0)):
        aws.client("autoscaling").put_scaling_policy(
            AutoScalingGroupName=GROUP,
            PolicyName=f"{GROUP}-{name}",
            PolicyType="TargetTrackingScaling",
            EstimatedInstanceWarmup=300,
            TargetTrackingConfiguration={
                "PredefinedMetricSpecification": metric,
                "TargetValue": target,
                "DisableScaleIn": False,
            },
        )


def put_metrics(aws: LocalAws, cloudwatch: Any, samples: Samples) -> None:
    """Write recorded metrics as the load balancer and the group would; absent ones not."""
    by_namespace: dict[str, list[dict[str, Any]]] = {}
    for metric, (namespace, name) in (_SUMS | _LEVELS).items():
        dimensions = _dimensions(aws, namespace, name)
        for moment, value in zip(samples.times(), samples.column(metric).tolist(), strict=True):
            if value == value:  # not NaN
                by_namespace.setdefault(namespace, []).append(
                    {
                        "MetricName": name,
                        "Dimensions": dimensions,
                        "Timestamp": moment,
                        "Value": value,
                    }
                )
    for namespace, data in by_namespace.items():
        for first in range(0, len(data), _BATCH):
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=data[first : first + _BATCH])


def _dimensions(aws: LocalAws, namespace: str, name: str) -> list[dict[str, str]]:
    if namespace != "AWS/ApplicationELB":
        return [{"Name": "AutoScalingGroupName", "Value": GROUP}]
    dimensions = [{"Name": "LoadBalancer", "Value": aws.load_balancer}]
    if name == "HealthyHostCount":
        # moto finds a metric only by its dimensions in the order in which they were written.
        dimensions.insert(0, {"Name": "TargetGroup", "Value": aws.target_group})
    return dimensions
