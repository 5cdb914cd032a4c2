"""The manifests: every name and selector leads somewhere, pods are shut in, probes ask what is there.

kustomize builds the overlay where kubectl is installed, and (`make slow`) Kubernetes' own schemas judge what it builds.
"""

import copy
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from cds_service.config import AVAILABLE
from tests.deploy.test_compose import GRACE_S

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
OVERLAY = FOLDER / "overlays" / "example"
SCHEMAS = Path(__file__).with_name("requirements-kubernetes.txt")
VERSIONS = ("1.29", "1.37")
MADE_BY_HAND = {"cds-database", "cds-tls"}  # secrets; docs/how-to/operate.md says how
KUBECTL = shutil.which("kubectl")
Manifest = dict[str, Any]


@cache
def documents(path: Path) -> list[Manifest]:
    """The documents of a file; they are not to be changed."""
    return list(yaml.load_all(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))


def kustomization(folder: Path) -> Manifest:
    return documents(folder / "kustomization.yaml")[0]


def folders(start: Path) -> Iterator[Path]:
    """A folder with a kustomization and, after it, those that it builds on."""
    yield start
    for each in kustomization(start).get("resources", []):
        if (start / each).is_dir():
            yield from folders((start / each).resolve())


def manifests() -> list[Manifest]:
    """Everything the overlay is built from, as it stands in the files; of generated ConfigMaps the names."""
    found: list[Manifest] = []
    for folder in folders(OVERLAY):
        for each in kustomization(folder).get("resources", []):
            if (folder / each).is_file():
                found += documents(folder / each)
        for each in kustomization(folder).get("configMapGenerator", []):
            found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": each["name"]}})
    return found


def pod_of(manifest: Manifest) -> Manifest | None:
    """The template of the pods that a manifest makes."""
    spec = manifest.get("spec", {})
    template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
    return template if isinstance(template, dict) else None


def labels_of(template: Manifest) -> dict[str, str]:
    common = kustomization(FOLDER / "base")["labels"][0]
    assert common["includeTemplates"] is True  # else no pod would bear what the network policies select
    return {**template["metadata"]["labels"], **common["pairs"]}


def selectors(manifest: Manifest) -> Iterator[Manifest]:
    """What a manifest selects pods of this namespace by."""
    spec = manifest.get("spec", {})
    if manifest["kind"] == "Service":
        yield {"matchLabels": spec["selector"]}
    elif manifest["kind"] in ("Deployment", "PodDisruptionBudget"):
        yield spec["selector"]
    elif manifest["kind"] == "NetworkPolicy":
        yield spec["podSelector"]
        for rule in (*spec.get("ingress", []), *spec.get("egress", [])):
            for peer in (*rule.get("from", []), *rule.get("to", [])):
                if "podSelector" in peer and "namespaceSelector" not in peer:
                    yield peer["podSelector"]


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        each["operator"] == "In" and labels.get(each["key"]) in each["values"]
        for each in selector.get("matchExpressions", [])
    )


def problems(found: list[Manifest]) -> list[str]:
    """What leads nowhere, and what is not shut in."""
    told = []
    names = {(each["kind"], each["metadata"]["name"]) for each in found}
    pods = {each["metadata"]["name"]: pod for each in found if (pod := pod_of(each))}
    for each in found:
        name = f"{each['kind']} {each['metadata']['name']}"
        told += [
            f"{name}: selects no pod" for selector in selectors(each)
            if not any(selects(selector, labels_of(pod)) for pod in pods.values())
        ]  # fmt: skip
        target = each.get("spec", {}).get("scaleTargetRef")
        if target and (target["kind"], target["name"]) not in names:
            told.append(f"{name}: scales nothing")
    for name, pod in pods.items():
        told += [f"{name}: {each}" for each in pod_problems(pod["spec"], names)]
    return told


def pod_problems(spec: Manifest, names: set[tuple[str, str]]) -> Iterator[str]:
    maps = {name for kind, name in names if kind == "ConfigMap"}
    context = spec.get("securityContext", {})
    if not (context.get("runAsNonRoot") and context.get("runAsUser", 0) > 0):
        yield "may run as root"
    if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "no seccomp profile"
    if spec.get("automountServiceAccountToken") is not False:
        yield "gets a token of the cluster"
    volumes = {each["name"]: each for each in spec.get("volumes", [])}
    for each in volumes.values():
        if "configMap" in each and each["configMap"]["name"] not in maps:
            yield f"no ConfigMap {each['configMap']['name']}"
        if "secret" in each and each["secret"]["secretName"] not in MADE_BY_HAND:
            yield f"no Secret {each['secret']['secretName']}"
    for container in spec["containers"]:
        shut = container.get("securityContext", {})
        if shut.get("readOnlyRootFilesystem") is not True:
            yield "its root can be written"
        if shut.get("allowPrivilegeEscalation") is not False or shut.get("capabilities") != {"drop": ["ALL"]}:
            yield "it can get privileges"
        if set(container.get("resources", {}).get("requests", {})) != {"cpu", "memory"}:
            yield "asks for no resources"
        ports = {each["name"] for each in container.get("ports", [])}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            for how in ("httpGet", "tcpSocket"):
                port = container.get(probe, {}).get(how, {}).get("port")
                if port and port not in ports:
                    yield f"{probe}: no port {port}"
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"no volume {mount['name']}"
        for source in container.get("envFrom", []):
            if source["configMapRef"]["name"] not in maps:
                yield f"no ConfigMap {source['configMapRef']['name']}"
        for variable in container.get("env", []):
            if variable["name"].startswith("CDS_") and variable["name"] not in AVAILABLE:
                yield f"no setting {variable['name']}"


def one(kind: str, name: str, found: list[Manifest]) -> Manifest:
    (wanted,) = [each for each in found if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return wanted


def container(name: str, found: list[Manifest]) -> Manifest:
    template = pod_of(one("Deployment", name, found))
    assert template
    held: Manifest = template["spec"]["containers"][0]
    return held


def test_every_name_leads_somewhere_and_every_pod_is_shut_in() -> None:
    assert problems(manifests()) == []


def test_every_kind_that_a_deployment_needs_is_there() -> None:
    kinds = {each["kind"] for each in manifests()}
    assert kinds == {
        "Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Job", "CronJob", "NetworkPolicy",
        "ConfigMap", "Namespace",
    }  # fmt: skip
    assert not [each for each in manifests() if each["kind"] == "Secret"]


Change = Callable[[Manifest], Any]


def spec(kind: str, name: str, change: Change) -> Callable[[list[Manifest]], Any]:
    """Change the spec of a manifest."""
    return lambda found: change(one(kind, name, found)["spec"])


def pod(kind: str, name: str, change: Change) -> Callable[[list[Manifest]], Any]:
    """Change the spec of the pods that a manifest makes."""
    return lambda found: change((pod_of(one(kind, name, found)) or {})["spec"])


def service(change: Change) -> Callable[[list[Manifest]], Any]:
    """Change the container of the service."""
    return lambda found: change(container("cds-service", found))


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (
            spec("Service", "cds-service", lambda each: each.update(selector={"a": "b"})),
            "Service cds-service: selects no pod",
        ),
        (
            spec("NetworkPolicy", "cds-nothing", lambda each: each.update(podSelector={"matchLabels": {"a": "b"}})),
            "NetworkPolicy cds-nothing: selects no pod",
        ),
        (
            spec("HorizontalPodAutoscaler", "cds-service", lambda each: each["scaleTargetRef"].update(name="x")),
            "HorizontalPodAutoscaler cds-service: scales nothing",
        ),
        (
            pod("Job", "cds-migrate", lambda each: each["securityContext"].pop("runAsUser")),
            "cds-migrate: may run as root",
        ),
        (
            pod("CronJob", "cds-purge", lambda each: each.pop("automountServiceAccountToken")),
            "cds-purge: gets a token of the cluster",
        ),
        (
            service(lambda each: each["securityContext"].pop("readOnlyRootFilesystem")),
            "cds-service: its root can be written",
        ),
        (service(lambda each: each["securityContext"].pop("capabilities")), "cds-service: it can get privileges"),
        (service(lambda each: each.pop("resources")), "cds-service: asks for no resources"),
        (
            service(lambda each: each["readinessProbe"]["httpGet"].update(port="https")),
            "cds-service: readinessProbe: no port https",
        ),
        (service(lambda each: each["volumeMounts"].append({"name": "x"})), "cds-service: no volume x"),
        (service(lambda each: each["envFrom"].append({"configMapRef": {"name": "x"}})), "cds-service: no ConfigMap x"),
        (
            service(lambda each: each["env"].append({"name": "CDS_DATABSE_URL"})),
            "cds-service: no setting CDS_DATABSE_URL",
        ),
    ],
)
def test_what_is_wrong_is_found(change: Callable[[list[Manifest]], Any], wanted: str) -> None:
    changed = copy.deepcopy(manifests())
    change(changed)
    assert problems(changed) == [wanted]


def test_probes_ask_for_paths_of_the_service() -> None:
    paths = re.findall(r"(?m)^  (/\S+):$", (ROOT / "openapi.yaml").read_text(encoding="utf-8"))
    asked = {
        container(name, manifests())[probe]["httpGet"]["path"]
        for name, probe in (
            ("cds-service", "startupProbe"), ("cds-service", "readinessProbe"), ("cds-service", "livenessProbe"),
            ("cds-proxy", "readinessProbe"),
        )
    }  # fmt: skip
    assert asked == {"/readyz", "/healthz"}
    assert asked <= set(paths)


def test_ports_agree_from_the_image_to_the_proxy() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    nginx = (ROOT / "deploy" / "nginx" / "nginx.conf").read_text(encoding="utf-8")
    (port,) = re.findall(r"(?m)^EXPOSE (\d+)$", dockerfile)
    assert f"CDS_PORT={port}" in dockerfile
    found = manifests()
    assert container("cds-service", found)["ports"] == [{"name": "http", "containerPort": int(port)}]
    assert one("Service", "cds-service", found)["spec"]["ports"][0]["port"] == int(port)
    assert f"server cds-service:{port} " in nginx
    assert f"listen {container('cds-proxy', found)['ports'][0]['containerPort']} ssl" in nginx


def test_a_pod_is_given_the_time_it_takes_to_stop() -> None:
    template = pod_of(one("Deployment", "cds-service", manifests()))
    assert template
    before = int(template["spec"]["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    assert template["spec"]["terminationGracePeriodSeconds"] > before + GRACE_S


def test_settings_of_the_overlay_are_settings_and_workers_are_counted() -> None:
    (literals,) = [each["literals"] for each in kustomization(OVERLAY)["configMapGenerator"] if "literals" in each]
    names = {each.partition("=")[0] for each in literals}
    assert names <= set(AVAILABLE)
    assert "CDS_WORKERS" in names  # its default counts the cores of the machine, not of the pod


def test_files_that_kustomize_is_told_of_are_there() -> None:
    for folder in folders(OVERLAY):
        said = kustomization(folder)
        files = [each for made in said.get("configMapGenerator", []) for each in made.get("files", [])]
        files += [each["path"] for each in said.get("patches", [])]
        files += said.get("resources", [])
        assert [each for each in files if not (folder / each).exists()] == [], folder


@pytest.mark.skipif(KUBECTL is None, reason="needs kubectl, which has kustomize in it")
def test_kustomize_builds_the_overlay() -> None:
    built = build()
    assert problems(built) == []
    assert {each["kind"] for each in built} == {each["kind"] for each in manifests()}
    assert {each["metadata"].get("namespace") for each in built if each["kind"] != "Namespace"} == {"cds"}
    images = {each["image"] for made in built if (pod := pod_of(made)) for each in pod["spec"]["containers"]}
    assert not [each for each in images if ":" not in each]
    assert one("NetworkPolicy", "cds-records", built)["spec"]["egress"][0]["to"]


def build() -> list[Manifest]:
    """What kustomize makes of the overlay."""
    made = subprocess.run([str(KUBECTL), "kustomize", str(OVERLAY)], capture_output=True, text=True, check=True)
    return list(yaml.load_all(made.stdout, Loader=yaml.CSafeLoader))


@pytest.mark.slow
@pytest.mark.skipif(KUBECTL is None, reason="needs kubectl, which has kustomize in it")
def test_kubernetes_own_schemas_take_what_is_built(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--no-compile"]
    got = subprocess.run(
        [*command, "--target", str(tmp_path), "-r", str(SCHEMAS)], capture_output=True, text=True, check=False
    )
    if got.returncode:
        pytest.skip(f"kubernetes-validate cannot be installed: {got.stderr.splitlines()[-1:]}")
    (tmp_path / "built.yaml").write_text(yaml.safe_dump_all(build()), encoding="utf-8")
    (tmp_path / "judge.py").write_text(_JUDGE, encoding="utf-8")
    judged = subprocess.run(
        [sys.executable, str(tmp_path / "judge.py"), str(tmp_path / "built.yaml"), *VERSIONS],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert judged.stdout.splitlines() == ["a misspelt key is found", f"{len(VERSIONS) * len(build())} taken"], (
        judged.stderr
    )


_JUDGE = """
import sys, warnings
warnings.simplefilter("ignore")
import kubernetes_validate, yaml
built = list(yaml.safe_load_all(open(sys.argv[1])))
wrong = {**built[0], "spce": {}}
try:
    kubernetes_validate.validate(wrong, sys.argv[2], strict=True)
except kubernetes_validate.ValidationError:
    print("a misspelt key is found")
for version in sys.argv[2:]:
    for each in built:
        kubernetes_validate.validate(each, version, strict=True)
print(len(built) * len(sys.argv[2:]), "taken")
"""
