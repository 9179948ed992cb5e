import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as core from '@nestjs-tus/core';

const ROW = /^\| `(ERR_\w+)` +\| (\d{3}) +\| (.+?) +\| `(Err\w+)` +\| (yes)? *\|$/gm;

function describedErrors() {
  return Object.entries(core).flatMap(([name, value]) =>
    name.startsWith('Err') && typeof value === 'object' && 'code' in value ? [{ name, ...value }] : [],
  );
}

/** The codes of the errors that say when to come again. */
function passingErrors(): string[] {
  const makers = Object.values(core.errors) as ((argument?: never) => core.HttpError)[];
  return makers.flatMap((make) => {
    const { code, header } = make();
    return 'Retry-After' in header ? [code] : [];
  });
}

it('docs/errors.md has every error code, and no other, as the engine answers it', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/errors.md'), 'utf8');
  const rows = [...page.matchAll(ROW)].map(([, code, status, message, name]) => ({
    name,
    code,
    status: Number(status),
    message,
  }));
  const byCode = (a: { code?: string }, b: { code?: string }) => ((a.code ?? '') < (b.code ?? '') ? -1 : 1);
  expect(rows.length).toBeGreaterThan(50);
  expect(rows.sort(byCode)).toEqual(describedErrors().sort(byCode));
});

it('docs/errors.md says which of them pass by themselves', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/errors.md'), 'utf8');
  const marked = [...page.matchAll(ROW)].flatMap(([, code = '', , , , passes]) => (passes ? [code] : []));
  expect(marked.sort()).toEqual(passingErrors().sort());
});
