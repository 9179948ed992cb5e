import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** `'A5, U4: …` at the beginning of a test's name, and `| A5 | M |` at the beginning of a row. */
const NAME = /\(\s*['"`]([A-Z]{1,2}\d+(?:, [A-Z]{1,2}\d+)*):/g;
const ROW = /^\| ([A-Z]{1,2}\d+) +\|/gm;

async function idsInTestNames(): Promise<Map<string, string>> {
  const ids = new Map<string, string>();
  for (const folder of ['test', 'libs', 'src']) {
    for (const path of await readdir(join(root, folder), { recursive: true })) {
      if (!/spec\.ts$/.test(path) || /(^|\/)(node_modules|dist)\//.test(path)) continue;
      const text = await readFile(join(root, folder, path), 'utf8');
      for (const [, names = ''] of text.matchAll(NAME))
        for (const id of names.split(', ')) ids.set(id, join(folder, path));
    }
  }
  return ids;
}

async function idsOfThePage(): Promise<string[]> {
  const page = await readFile(join(root, 'docs/protocol-checklist.md'), 'utf8');
  return [...page.matchAll(ROW)].map(([, id = '']) => id);
}

it('docs/protocol-checklist.md has each rule once', async () => {
  const rows = await idsOfThePage();
  expect(rows).toHaveLength(new Set(rows).size);
});

it('docs/protocol-checklist.md has every rule that a test names', async () => {
  const rows = await idsOfThePage();
  const named = await idsInTestNames();
  expect(named.size).toBeGreaterThan(100);
  expect([...named].filter(([id]) => !rows.includes(id))).toEqual([]);
});
