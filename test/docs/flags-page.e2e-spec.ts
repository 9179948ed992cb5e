import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runServer } from '../harness/server-process.js';

interface Row {
  readonly flag: string;
  readonly variable: string;
  readonly fallback: string;
}

async function rowsOfThePage(): Promise<Row[]> {
  const page = await readFile(join(import.meta.dirname, '../../docs/flags.md'), 'utf8');
  return [...page.matchAll(/^\| `--([a-z-]+)`\s*\| `(TUS_[A-Z_]+)`\s*\| (?:`([^`]+)`|off)/gm)].map(
    ([, flag = '', variable = '', fallback = 'off']) => ({ flag, variable, fallback }),
  );
}

/** Flags as `--help` shows them: `  --port PORT   port to listen on (8080)`. Switches show no default: they are off. */
async function flagsOfTheHelp(): Promise<Row[]> {
  const server = runServer(['--help']);
  server.ready.catch(() => undefined);
  await server.exited;
  const lines = server.stdout().matchAll(/^ {2}--([a-z-]+)(?: (\S+))? .*?(?:\((\S+)\))?$/gm);
  return [...lines]
    .map(([, flag = '', , fallback = 'off']) => ({ flag, variable: variableOf(flag), fallback }))
    .filter(({ flag }) => flag !== 'help' && flag !== 'version');
}

function variableOf(flag: string): string {
  return `TUS_${flag.toUpperCase().replaceAll('-', '_')}`;
}

it('docs/flags.md lists the flags that there are, in their order, with their defaults', async () => {
  const flags = await flagsOfTheHelp();
  expect(flags.map(({ flag }) => flag)).toContain('upload-dir');
  expect(await rowsOfThePage()).toEqual(flags);
});
