from hub.app import create_app as create_app
from hub.client.cursor import Log as Log
from hub.client.errors import ConnectionLost as ConnectionLost
from hub.client.errors import TaskCancelled as TaskCancelled
from hub.client.errors import TaskFailed as TaskFailed
from hub.client.hub import AsyncHub as AsyncHub
from hub.client.sync import Hub as Hub
from hub.events import Chunk as Chunk
from hub.events import Gap as Gap
from hub.events import Progress as Progress
from hub.events import Reset as Reset
from hub.plugin.command import command as command
from hub.plugin.context import TaskContext as TaskContext
from hub.plugin.context import current_task as current_task
from hub.plugin.contract import PluginBase as PluginBase
from hub.plugin.errors import Retry as Retry
from hub.plugin.errors import TaskError as TaskError
from hub.plugin.typed import Plugin as Plugin
from hub.tasks import TaskResponse as TaskResponse
from hub.tasks import TaskStatus as TaskStatus

__all__: list[str]
__version__: str
