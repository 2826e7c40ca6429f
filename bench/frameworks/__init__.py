"""The frameworks: what the harness knows of each, without importing it."""

from bench.frameworks.programs import Program as Program
from bench.frameworks.regimes import Default as Default
from bench.frameworks.registry import GROUP as GROUP
from bench.frameworks.registry import absent_modules as absent_modules
from bench.frameworks.registry import built_in as built_in
from bench.frameworks.registry import catalogue as catalogue
from bench.frameworks.registry import create as create
from bench.frameworks.registry import entry_modules as entry_modules
from bench.frameworks.registry import in_file_names as in_file_names
from bench.frameworks.registry import locked as locked
from bench.frameworks.registry import missing as missing
from bench.frameworks.registry import named as named
from bench.frameworks.registry import rungs as rungs
from bench.frameworks.registry import toolchain as toolchain
from bench.frameworks.registry import version as version
from bench.frameworks.registry import with_variants as with_variants
from bench.frameworks.spec import SEPARATOR as SEPARATOR
from bench.frameworks.spec import TUNED as TUNED
from bench.frameworks.spec import Framework as Framework
from bench.frameworks.spec import Package as Package
from bench.frameworks.spec import Switch as Switch
from bench.frameworks.spec import Toolchain as Toolchain
from bench.frameworks.spec import Tools as Tools
from bench.frameworks.spec import Variant as Variant
from bench.frameworks.spec import installed_here as installed_here
