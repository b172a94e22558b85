"""The ways in which a Python file of a project comes by the words of another file, in templates.

| placeholder | of the other file |
| --- | --- |
| `$path`, `$folder`, `$file`, `$suffix` | its path below the project, the two parts of it, and the end |
| `$package`, `$short`, `$name` | its names as a module: the package's, the same below the project, and its own |
| `$around`, `$sibling`, `$from_here` | its package, its module and its path, from here |
| `$levels` | how far up the project is, from here |
| `$new` | a name that nothing else has |
"""

from __future__ import annotations

from typing import NamedTuple


class Way(NamedTuple):
    """A statement at the top of the file, and the expression for a list of words."""

    statement: str
    words: str


BY_NAME = [
    Way("import $package.$name", "$package.$name.words_of_$name"),
    Way("import $package.$name as $new", "$new.words_of_$name"),
    Way("from $package import $name", "$name.words_of_$name"),
    Way("from $package import (\n    $name as $new,\n)", "$new.words_of_$name"),
    Way("from $package.$name import words_of_$name", "words_of_$name"),
    Way("from $package.$name import *", "words_of_$name"),
    Way("def $new():\n    from $package.$name import words_of_$name\n    return words_of_$name", "$new()"),
    Way("try:\n    import $package.$name as $new\nexcept ValueError:\n    $new = None", "$new.words_of_$name"),
    Way("", "importlib.import_module('$package.$name').words_of_$name"),
    Way("$new = '$name'", "importlib.import_module(f'$package.{$new}').words_of_$name"),
    Way("$new = __import__('$package.$name', fromlist=['x'])", "$new.words_of_$name"),
]
RELATIVE = [
    Way("from $around import $name as $new", "$new.words_of_$name"),
    Way("from $sibling import words_of_$name", "words_of_$name"),
    Way("from $sibling import *", "words_of_$name"),
    Way("", "importlib.import_module('$sibling', __package__).words_of_$name"),
]
# For modules that need no package around them.
ALONE = [
    Way("sys.path.append(get_repo_path())\nfrom $short.$name import words_of_$name", "words_of_$name"),
    Way("", "runpy.run_path(get_repo_path() + '/$path')['words_of_$name']"),
    Way("", "runpy.run_module('$package.$name')['words_of_$name']"),
]
# What a package's `__init__.py` may say of a module in it, and how others make use of that.
EXPORTED = {
    "__all__ = ['{name}']\n": Way("from $package import *", "$name.words_of_$name"),
    "from .{name} import words_of_{name}\n": Way("from $package import words_of_$name", "words_of_$name"),
}

READS = [
    Way("", "open(get_repo_path() + '/$path').read().split()"),
    Way("", "open(os.path.join(get_repo_path(), '$folder', '$file')).read().split()"),
    Way("", "(Path(get_repo_path()) / '$folder' / '$file').read_text().split()"),
    Way("", "Path(os.environ['MAGE_REPO_PATH'], '$folder').joinpath('$file').read_text().split()"),
    Way("$new = f\"{os.getenv('MAGE_REPO_PATH')}/$folder\"", "open(path.join($new, '$file')).read().split()"),
    Way("$new = {'a': '$path'}", "open(os.path.join(get_repo_path(), $new['a'])).read().split()"),
    Way("", "[open(f'{get_repo_path()}/$folder/{name}').read() for name in ('$file',)]"),
    Way("", "[open(file).read() for file in sorted(glob.glob(get_repo_path() + '/$folder/*$suffix'))]"),
    Way("", "open('%s/{}'.format('$path') % get_repo_path()).read().split()"),
    Way("", "[Path(get_repo_path(), at, name).read_text() for at, name in [('$folder', '$file')]]"),
    Way("", "importlib.resources.files('$package').joinpath('$file').read_text().split()"),
]
# For modules: a block is no file to Python.
BESIDE = [
    Way("", "open(os.path.join(os.path.dirname(__file__), '$from_here')).read().split()"),
    Way("", "(Path(__file__).parent / '$from_here').read_text().split()"),
    Way("$new = Path(__file__).resolve().parents[$levels]", "($new / '$path').read_text().split()"),
]
