"""Write a model so that transformers alone can use it: the folder carries its own code.

A model is saved without code, and loads where the package is installed. This is for where it cannot be: with
`trust_remote_code=True` transformers runs the copies in the folder. It takes flat folders only, whose files import
each other as `from .name import ...`, so that is how the copies are written.
"""

import ast
import json
import re
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from stigma_hf.encoder.opening import open_classifier

_PACKAGE = "stigma_hf"
_ENTRY = "stigma_classifier"
_CLASSES = {
    "AutoConfig": ("stigma_hf.encoder.configuration", "AnchorPooledConfig"),
    "AutoModel": ("stigma_hf.encoder.modeling", "AnchorPooledClassifier"),
    "pipeline": ("stigma_hf.encoder.window_pipeline", "WindowPipeline"),
}


def export_standalone(model: str | Path, out: str | Path) -> list[str]:
    """Write a model, its tokenizer and its code to a folder.

    Args:
        model: Folder or hub id of an `AnchorPooledClassifier`.
        out: Folder to write to.

    Returns:
        Names of the files of code.

    Raises:
        UsageError: If the model cannot be loaded.
    """
    loaded, tokenizer = open_classifier(str(model))
    folder = Path(out)
    loaded.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    code = flat_modules([module for module, _ in _CLASSES.values()])
    code[f"{_ENTRY}.py"] = _entry(code)
    for name, text in code.items():
        (folder / name).write_text(text, encoding="utf-8")
    _name_code_in(folder / "config.json")
    return sorted(code)


def flat_modules(modules: list[str]) -> dict[str, str]:
    """The text of some modules and of all modules of the package that they import, by file name, made flat.

    Raises:
        ValueError: If two have the same last name, or one imports otherwise than by `from package.module import name`.
    """
    waiting = list(modules)
    homes: dict[str, str] = {}
    texts = {}
    while waiting:
        module = waiting.pop()
        name = _flat_name(module)
        if homes.setdefault(name, module) != module:
            raise ValueError(f"expected different names in a flat folder, found {homes[name]} and {module}")
        if name not in texts:
            text = _source_of(module)
            imported = _imports_of(module, text)
            texts[name] = _flatten(text, imported)
            waiting += imported
    return {f"{name}.py": text for name, text in texts.items()}


def _flat_name(module: str) -> str:
    return module.rpartition(".")[2]


def _source_of(module: str) -> str:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ValueError(f"expected the source of {module}, found none")
    return Path(spec.origin).read_text(encoding="utf-8")


def _imports_of(module: str, text: str) -> list[str]:
    """The modules of the package that a module imports."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == _PACKAGE:
            found.append(str(node.module))
        elif isinstance(node, ast.Import) and any(alias.name.split(".")[0] == _PACKAGE for alias in node.names):
            raise ValueError(f"{module}: expected `from {_PACKAGE}.module import name`, found another import")
    return found


def _flatten(text: str, imported: list[str]) -> str:
    for module in imported:
        absolute = re.compile(rf"^(\s*from ){re.escape(module)}(?= import)", re.MULTILINE)
        text = absolute.sub(rf"\g<1>.{_flat_name(module)}", text)
    return text


def _entry(code: Iterable[str]) -> str:
    """A module that imports each of the others itself: older transformers copy only what the first one names."""
    classes = [f"from .{_flat_name(module)} import {name} as {name}" for module, name in _CLASSES.values()]
    others = [f"from .{file.removesuffix('.py')} import __name__ as _" for file in sorted(code)]
    return "\n".join(['"""Where transformers finds the classes of this folder."""', "", *classes, *others, ""])


def _name_code_in(config_file: Path) -> None:
    """Say in a configuration where each class is."""
    config: dict[str, Any] = json.loads(config_file.read_text(encoding="utf-8"))
    places = {what: f"{_ENTRY}.{name}" for what, (_, name) in _CLASSES.items()}
    pipeline = {"impl": places.pop("pipeline"), "pt": ["AutoModel"], "type": "text"}
    config |= {"auto_map": places, "custom_pipelines": {"stigma-classification": pipeline}}
    config_file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
