import { appendFile, mkdir, readdir, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { unknownId } from './requests.mjs';

const LONGEST_PAUSE_MS = 200;
/** What is older is removed, so that the folder of a long run stays small. Honest uploads are done by then. */
const KEPT_MS = 120_000;
const TIDY_EVERY = 200;

/**
 * Whoever has access to the folder: changes and removes the files of hostile clients' uploads while they are used, and leaves damaged
 * ones, until `run` says that time is over.
 */
export async function operate(run, random, folder) {
  for (let turn = 1; !run.isOver(); turn++) {
    const act = random.pick(ACTS);
    try {
      await act({ run, random, folder });
    } catch (error) {
      // An upload that is gone already, or a folder where a file was.
      if (error.code === undefined) throw error;
    }
    if (turn % TIDY_EVERY === 0) await tidy(folder);
    await pause(random.below(LONGEST_PAUSE_MS));
  }
}

const ACTS = [
  (at) => truncate(fileOf(at), 0),
  (at) => truncate(fileOf(at), at.random.below(1_000)),
  (at) => appendFile(fileOf(at), at.random.bytes(at.random.below(1_000))),
  (at) => rm(fileOf(at)),
  (at) => rm(`${fileOf(at)}.info`),
  (at) => truncate(`${fileOf(at)}.info`, at.random.below(200)),
  (at) => writeFile(`${fileOf(at)}.info`, at.random.bytes(100)),
  async (at) => {
    await rm(`${fileOf(at)}.info`);
    await symlink(`${fileOf(at)}.info`, `${fileOf(at)}.info`);
  },
  async (at) => {
    await rm(fileOf(at));
    await mkdir(fileOf(at));
  },
  damagedUpload,
  damagedUpload,
  damagedUpload,
  damagedUpload,
  (at) => writeFile(join(at.folder, `${unknownId(at.random)}.info`), ''),
  (at) => writeFile(join(at.folder, unknownId(at.random)), 'data without an info'),
  (at) => mkdir(join(at.folder, `${unknownId(at.random)}.info`)),
];

function fileOf({ run, random, folder }) {
  const [id] = run.ids.length > 0 ? [random.pick(run.ids)] : ['none'];
  return join(folder, encodeURIComponent(id));
}

const ODD_MEMBERS = {
  Size: [-5, 0, 10, 1e300, '100', null, 1.5, true, {}, undefined],
  SizeIsDeferred: [true, 'yes', null, 1],
  Offset: [-3, 5, 1e300, 'x', null],
  MetaData: [
    { 文件名: '报告.pdf' },
    { имя: 'x' },
    { 'a b': 'c' },
    { '': '' },
    { a: 5 },
    { a: null },
    null,
    'x',
    [],
    { filename: 'a\r\nb' },
  ],
  MetaDataHeader: ['a YQ==', 'a\r\nX-Injected: yes', '报告', 5, null, {}],
  ConcatHeader: ['final;a b', 'a\r\nX-Injected: yes', '报告', 5],
  IsPartial: [true, 'yes', 5],
  IsFinal: [true, 'yes'],
  PartialUploads: ['x', ['x'], [5, null], {}, ['../x']],
  Storage: [
    { Type: 'filestore', Path: '../../x' },
    { path: '/etc/hostname' },
    { Path: 5 },
    'x',
    null,
    { InfoPath: 'x' },
  ],
  CreatedAt: ['x', 5, null, '2020-01-01T00:00:00Z'],
  ExpiresAt: [17, 'tomorrow', null, '2020-01-01T00:00:00Z', '+275760-09-13T00:00:00.001Z'],
  Protocol: ['ietf', 'tus', 'x', 5],
  State: ['receiving', 'finishing', 'finished', 'rejected', 'hello', 5, null],
  Context: [null, 5, { a: 1 }],
  MaxSize: [-1, 'x', 1e300, 0],
  PendingFinals: ['x', [5], ['x', '../x']],
  Answer: [
    { statusCode: 42, header: { 'X-A': '报告' }, body: 5 },
    { statusCode: 422 },
    'x',
    5,
    {},
    { statusCode: 422, header: { 'Content-Length': '5' }, body: '' },
  ],
  Untold: [true, 'yes'],
  Digests: ['x', { expected: 'é', wanted: 5 }, 5],
  UnverifiedFrom: [-3, '3', 1e300, null, 3],
  SyncedOffset: [-3, 'x', 1e300],
  ToldOffset: [-3, 'x', 1e300],
  Revision: [-1, 'x', 1e300, null],
};

/** An upload of another server, of a script, or of a broken disk. Clients are given its id. */
async function damagedUpload({ run, random, folder }) {
  const id = unknownId(random);
  const bytes = random.below(30);
  const info = {
    ID: id,
    Size: 20,
    SizeIsDeferred: false,
    Offset: 0,
    MetaData: {},
    IsPartial: false,
    IsFinal: false,
    PartialUploads: null,
  };
  for (let changes = random.between(1, 3); changes > 0; changes--) {
    const member = random.pick(Object.keys(ODD_MEMBERS));
    info[member] = random.pick(ODD_MEMBERS[member]);
  }
  const text = JSON.stringify(info);
  await writeFile(join(folder, id), Buffer.alloc(bytes));
  await writeFile(join(folder, `${id}.info`), text);
  run.learnDamaged(id, `${text} with ${bytes} bytes of data`);
}

/** Removes files that no client can want any more. */
async function tidy(folder) {
  const now = Date.now();
  for (const name of await readdir(folder)) {
    if (name.startsWith('.')) continue;
    const path = join(folder, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: 0 }));
    if (now - mtimeMs > KEPT_MS) await rm(path, { recursive: true, force: true });
  }
}
