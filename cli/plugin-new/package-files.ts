/** The files of a new plugin that make it a package. Pure. */
import type { PluginNames } from './names.ts'

const manifest = (names: PluginNames, version: string) => ({
  name: names.package,
  version: '0.1.0',
  description: `The plugin ${names.plugin} for Arkwatch.`,
  license: 'MIT',
  type: 'module',
  keywords: ['arkwatch-plugin'],
  exports: { '.': './index.ts', './api': './api.ts', './package.json': './package.json' },
  files: ['*.ts', 'README.md'],
  scripts: { test: 'bun test', typecheck: 'tsc --noEmit' },
  peerDependencies: { arkwatch: `^${version}` },
  devDependencies: { '@types/bun': '^1.4.0', arkwatch: `^${version}`, hono: '>=4.10.0 <5', typescript: '>=5.9' },
})

const compilerOptions = {
  ...{ target: 'ESNext', module: 'Preserve', moduleResolution: 'bundler', lib: ['ESNext'], types: ['bun'] },
  ...{ strict: true, noUncheckedIndexedAccess: true, verbatimModuleSyntax: true },
  ...{ allowImportingTsExtensions: true, resolveJsonModule: true, skipLibCheck: true, noEmit: true },
}

const readme = ({ plugin, type, package: name }: PluginNames) => `# ${name}

A plugin for [Arkwatch](https://www.npmjs.com/package/arkwatch). Say here what it is for.

## Use

\`\`\`sh
bun add ${name}
\`\`\`

\`\`\`yaml
# config.yaml
plugins:
  ${plugin}: { from: ${name}, every: 10s }
\`\`\`

Another plugin asks for its service by the token: \`import { ${type} } from '${name}/api'\`.

## Options

| option | type | default | what |
|---|---|---|---|
| \`every\` | duration | \`15s\` | Period between two ticks. |

## Limits

Say here what it does not do, and how much it can take.

## Work on it

\`\`\`sh
bun install
bun test
\`\`\`

Where the registry does not have Arkwatch, \`bun add --dev arkwatch@file:/path/to/arkwatch\` takes a checkout in the
place of \`bun install\`.

To try it, name this folder: \`from: ./${name}\` in a config.yaml beside it, then \`arkwatch dev\`.
`

/** JSON with lists of one on one line. */
const json = (value: object) => `${JSON.stringify(value, null, 2).replace(/\[\s+("[^"]*")\s+\]/g, '[$1]')}\n`

/** @param version of Arkwatch that the plugin is written for @returns text by path */
export const packageFiles = (names: PluginNames, version: string): Readonly<Record<string, string>> => ({
  'package.json': `${JSON.stringify(manifest(names, version), null, 2)}\n`,
  'tsconfig.json': json({ compilerOptions, include: ['**/*.ts'] }),
  'README.md': readme(names),
  '.gitignore': 'node_modules/\n',
})
