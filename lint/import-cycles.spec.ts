import { Linter } from 'eslint';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importCycles } from './import-cycles.mjs';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'import-cycles-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** What the rule says of the file `name`, among files with these texts. */
function judge(name: string, texts: Readonly<Record<string, string>>): string[] {
  for (const [file, text] of Object.entries(texts)) writeFileSync(join(folder, file), text);
  const linter = new Linter({ cwd: folder });
  const rules = { 'ours/cycles': 'error' } as const;
  const plugins = { ours: { rules: { cycles: importCycles } } };
  const filename = join(folder, name);
  const messages = linter.verify(texts[name] ?? '', [{ files: ['**/*.ts'], plugins, rules }], { filename });
  return messages.map(({ message }) => message);
}

describe('import cycles', () => {
  it('takes imports that lead nowhere back', () => {
    expect(judge('a.ts', { 'a.ts': `import './b.js'; import 'node:fs';`, 'b.ts': '' })).toEqual([]);
  });

  it('names the whole way', () => {
    const texts = {
      'a.ts': `import './b.js';`,
      'b.ts': `export * from './c.js';`,
      'c.ts': `import './a.js';`,
    };
    expect(judge('a.ts', texts)[0]).toMatch(/b\.ts → .*c\.ts → .*a/);
  });

  it('sees what a re-export leads to', () => {
    expect(judge('a.ts', { 'a.ts': `export * from './b.js';`, 'b.ts': `import './a.js';` })).toHaveLength(1);
  });

  it('counts imports of types', () => {
    const texts = { 'a.ts': `import './b.js';`, 'b.ts': `import type { A } from './a.js';` };
    expect(judge('a.ts', texts)).toHaveLength(1);
  });

  it('leaves alone a cycle that others have among themselves', () => {
    const texts = { 'a.ts': `import './b.js';`, 'b.ts': `import './c.js';`, 'c.ts': `import './b.js';` };
    expect(judge('a.ts', texts)).toEqual([]);
  });
});
