"""The plugin contracts: classic (PluginBase) and typed (Plugin with @command).

Nothing is imported here, so that every module below names what it needs. From the
ground up: errors, context, contract, spec, schema, parameters, command, classic and
methods, typed, calling, loading.
"""
