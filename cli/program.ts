/** The commands, their arguments and options. Each is imported only when it runs. */
import { Command as Commander, CommanderError } from 'commander'
import { type Cli, type Command, type GlobalOptions, printJson, processCli } from './cli.ts'
import { exitCodes } from './exit-codes.ts'

type Load = () => Promise<{ readonly default: unknown }>

/**
 * Runs one command line.
 *
 * @param argv without the program
 * @returns the exit code
 */
export async function runCli(argv: readonly string[]): Promise<number> {
  const wantsJson = argv.includes('--json')
  let exitCode: number = exitCodes.ok

  const program = new Commander('arkwatch')
    .description('Observability and operations runtime for Bun and Hono.')
    .exitOverride()
    .configureOutput({ writeErr: (text) => void (wantsJson || process.stderr.write(text)) })
    .showHelpAfterError('(`arkwatch help` lists the commands)')
    .addHelpText(
      'after',
      '\nExit codes: 0 ok, 1 negative, 64 usage, 69 not running, 70 internal, 75 a plugin hung, 78 config',
    )

  const leaf = (parent: Commander, usage: string, description: string, load: Load): Commander => {
    const command: Commander = parent
      .command(usage)
      .description(description)
      .option('-c, --config <file>', 'the configuration (default: $ARKWATCH_CONFIG, else ./config.yaml)')
      .option('--json', 'print JSON only')
      .action(async (...parameters: unknown[]) => {
        const values = parameters.slice(0, -2)
        const options = command.optsWithGlobals<GlobalOptions>()
        const cli = processCli(options)
        exitCode = await runCommand(cli, load, options, values)
      })
    return command
  }
  /** As leaf, for commands that can be asked of an instance elsewhere. */
  const reach = (parent: Commander, usage: string, description: string, load: Load): Commander =>
    leaf(parent, usage, description, load).option(
      '--url <url>',
      'an instance elsewhere (default: $ARKWATCH_URL); its key is in $ARKWATCH_KEY',
    )
  const from = (name: string): Load => (() => import(`./commands/${name}.ts`)) as Load

  leaf(program, 'start', 'run until a signal; SIGHUP reloads', from('start')).option(
    '--no-watch',
    'do not reload when a file of the configuration changes',
  )
  leaf(program, 'check', 'check the configuration, start nothing', from('check'))
  const config = reach(
    program,
    'config',
    'show the effective configuration, each value with its source',
    from('config/show'),
  ).option('--file', 'read the file, also while an instance runs')
  reach(
    config,
    'plan <file>',
    'show what a change would do (YAML or JSON, `-` for standard input)',
    from('config/plan'),
  )
  reach(config, 'apply <file>', 'lay a change over config.yaml, in data/overlay.yaml', from('config/apply')).option(
    '--confirm-within <duration>',
    'take it back unless it is confirmed within so long',
  )
  reach(config, 'confirm [id]', 'let the change that waits for it stand', from('config/confirm'))
  reach(config, 'rollback [id]', 'take back the change that waits for its confirmation', from('config/rollback'))
  leaf(program, 'schema', 'print the JSON Schema of config.yaml', from('schema'))
  const plugins = reach(program, 'plugins', 'show the plugins of the running instance', from('plugins/list'))
  reach(
    plugins,
    'restart <plugin>',
    'stop and start one plugin, and those that hold its services',
    from('plugins/restart'),
  )
  reach(plugins, 'enable <plugin>', 'turn a plugin on, in data/overlay.yaml', from('plugins/enable'))
  reach(plugins, 'disable <plugin>', 'turn a plugin off, in data/overlay.yaml', from('plugins/disable'))
  reach(program, 'plan', 'show what a reload would do', from('plan'))
  reach(program, 'reload', 'make the running instance read its configuration again', from('reload'))
  leaf(program, 'health', 'show the checks of the running instance; exit 1 when not healthy', from('health'))
    .option('--live', 'ask only whether it is alive, over HTTP, as a container health check does')
    .option('--url <url>', 'with --live: the address to ask')
    .option('--timeout <duration>', 'with --live: how long an answer may take', '3s')
  leaf(program, 'pause', 'let collectors, checks and rules of the running instance stand still', from('pause'))
  leaf(program, 'resume', 'let them go on', from('resume'))
  const logs = reach(program, 'logs', 'show recent lines, and follow them', from('logs/tail'))
    .option('-f, --follow', 'go on with what is written')
    .option('-n, --limit <count>', 'at most so many to begin with', '100')
    .option('--level <level>', 'at least this level')
    .option('--logger <name>', 'this logger and those below it')
  reach(
    logs,
    'level [logger] [level]',
    'list the levels, or set one (`root` is all; `reset` takes it away)',
    from('logs/level'),
  ).option('--for <duration>', 'put the level of before back after so long, `15m`')
  reach(logs, 'recent', 'show the lines kept in memory', from('logs/recent'))
    .option('-n, --limit <count>', 'at most so many', '100')
    .option('--level <level>', 'at least this level')
    .option('--logger <name>', 'this logger and those below it')
  const audit = program.command('audit').description('who did what, and whether that record is whole')
  reach(audit, 'tail', 'show the latest records', from('audit/tail'))
    .option('-n, --limit <count>', 'at most so many', '50')
    .option('-f, --follow', 'go on with what is added')
    .option('--principal <name>', 'only what this key did')
    .option('--action <id>', 'only this action, `plugins.restart`')
  reach(audit, 'verify', 'check that no record was changed; exit 1 if one was', from('audit/verify'))
    .option('--file <export>', 'check an export, without the running instance')
    .option('--key <file>', 'with --file: the public key (PEM) that must have signed it')
  reach(audit, 'export', 'print all records as JSON lines, signed', from('audit/export'))
  const keys = program.command('keys').description('keys of the admin API')
  reach(keys, 'list', 'list the keys, without the keys themselves', from('keys/list'))
  reach(keys, 'create <name>', 'make a key; it is shown this once', from('keys/create'))
    .option('--role <role>', 'viewer, operator, admin or auditor', 'viewer')
    .option('--scope <group...>', 'only these groups of operations')
    .option('--expires <duration>', 'it ends after so long, `90d`')
  reach(keys, 'revoke <id>', 'end a key at once', from('keys/revoke'))
  reach(program, 'jobs [id]', 'show jobs, or one of them', from('jobs')).option('--cancel', 'ask it to end')
  reach(
    program,
    'pool [action] [fingerprint]',
    'show the pools: status, holders, statements, slow, routes, explain; or pause, resume, evict, drain one',
    from('pool'),
  )
    .option('--pool <name>', 'this pool (default: all to show, `default` to act on)')
    .option('--pid <pid>', 'with evict: only the connection of this backend')
    .option('--timeout <duration>', 'with drain: how long what is lent may take', '5s')
  leaf(program, 'version', 'print the version', from('version'))
  leaf(program, 'init', 'write a configuration for what is found on this machine', from('init')).option(
    '--force',
    'overwrite a file that is there already',
  )
  leaf(program, 'dev', 'run, and restart when configuration or plugins change', from('dev'))
  const plugin = program.command('plugin').description('write plugins')
  leaf(plugin, 'new <name>', 'write a package with a new plugin and its test', from('plugins/new'))
    .option('--dir <folder>', 'where (default: ./arkwatch-plugin-<name>)')
    .option('--force', 'write into a folder that is not empty')

  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown
    const asked = thrown.exitCode === 0
    exitCode = asked ? exitCodes.ok : exitCodes.usage
    if (wantsJson && !asked) {
      const error = { code: 'CLI_USAGE', message: thrown.message.replace(/^error: /, ''), help: 'See `arkwatch help`.' }
      printJson(processCli({ json: true }), { error, exitCode })
    }
  }
  return exitCode
}

async function runCommand(cli: Cli, load: Load, options: object, values: readonly unknown[]): Promise<number> {
  try {
    const command = (await load()).default as Command<readonly unknown[]>
    return await command(cli, options, ...values)
  } catch (thrown) {
    const { reportError } = await import('./output/report-error.ts')
    return reportError(cli, thrown)
  }
}
