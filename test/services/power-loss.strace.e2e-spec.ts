import { realpath } from 'node:fs/promises';
import { randomContent } from '../harness/random-content.js';
import { startServer } from '../harness/server-process.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { create, createUpload, locationOf, patch } from '../harness/tus-requests.js';
import { parseTrace, traceProcess } from './system-calls.js';
import { answersOnDisk } from './unsynced.js';

const CONTENT = randomContent('power loss', 300_000);
const HALF = CONTENT.length / 2;

/** A creation, a creation with bytes, and a PATCH that is not the last; what was on disk when each was answered. */
async function uploadUnderTrace(durability: string) {
  const uploadDir = await realpath(await temporaryFolder());
  const server = await startServer({ uploadDir, flags: ['--durability', durability] });
  const trace = await traceProcess(server.pid);
  const url = await createUpload(server.url, CONTENT.length);
  const whole = { 'Upload-Length': String(HALF), 'Content-Type': 'application/offset+octet-stream' };
  const withBytes = await create(server.url, whole, CONTENT.subarray(0, HALF));
  await patch(url, 0, CONTENT.subarray(0, HALF));
  await patch(url, HALF, CONTENT.subarray(HALF));
  const calls = await trace.stop();
  const idOf = (location: string) => new URL(location).pathname.split('/').at(-1) ?? '';
  const [creation, creationWithUpload, append, lastAppend] = answersOnDisk(calls, uploadDir);
  if (!creation || !creationWithUpload || !append || !lastAppend) {
    throw new Error(
      `answers are missing from the trace:\n${calls.map(({ name, args }) => `${name}(${args})`).join('\n')}`,
    );
  }
  return {
    id: idOf(url),
    idWithBytes: idOf(locationOf(server.url, withBytes)),
    answers: { creation, creationWithUpload, append, lastAppend },
    syncs: calls.filter(({ name }) => /sync/.test(name)).map(({ name, args }) => `${name}(${args})`),
  };
}

describe('with --durability power-loss', () => {
  let run: Awaited<ReturnType<typeof uploadUnderTrace>>;
  beforeAll(async () => {
    run = await uploadUnderTrace('power-loss');
  });

  it('a creation is answered when the info and both directory entries are synced', () => {
    const { creation } = run.answers;
    expect(creation.status).toBe(201);
    expect(creation.entries).toEqual(expect.arrayContaining([run.id, `${run.id}.info`]));
    expect(creation.unsynced).toEqual([]);
  });

  it('a creation with bytes is answered when the bytes are synced too', () => {
    const { creationWithUpload } = run.answers;
    expect(creationWithUpload.status).toBe(201);
    expect(creationWithUpload.written).toContain(run.idWithBytes);
    expect(creationWithUpload.unsynced).toEqual([]);
  });

  it.each(['append', 'lastAppend'] as const)(
    'a PATCH is answered when its bytes are synced (%s)',
    (which) => {
      const answer = run.answers[which];
      expect(answer.status).toBe(204);
      expect(answer.written).toContain(run.id);
      expect(answer.unsynced).toEqual([]);
    },
  );
});

describe('with --durability crash', () => {
  it('nothing waits for the disk, and the trace shows what a loss of power would take', async () => {
    const { syncs, answers, id } = await uploadUnderTrace('crash');
    expect(syncs).toEqual([]);
    expect(answers.creation.unsynced).toContain(`entry ${id}.info`);
    expect(answers.append.unsynced).toContain(`content of ${id}`);
  });
});

describe('reading a trace', () => {
  const folder = '/up';
  const answer = '9 write(8<socket:[77]>, "HTTP/1.1 204 No Content\\r\\nDate: T"..., 90) = 90';

  it('joins a call that another thread interrupted', () => {
    const calls = parseTrace(
      [
        '1 fsync(3</up/a> <unfinished ...>',
        '2 write(4</up/b>, "x", 1) = 1',
        '1 <... fsync resumed>)         = 0',
      ].join('\n'),
    );
    expect(calls).toEqual([
      { name: 'write', args: '4</up/b>, "x", 1', result: '1', begin: 1, end: 1 },
      { name: 'fsync', args: '3</up/a>', result: '0', begin: 0, end: 2 },
    ]);
  });

  it.each([
    ['no sync', ['1 write(3</up/a>, "x", 1) = 1'], ['content of a']],
    ['a sync', ['1 write(3</up/a>, "x", 1) = 1', '1 fdatasync(3</up/a>) = 0'], []],
    [
      'a sync of something else',
      ['1 write(3</up/a>, "x", 1) = 1', '1 fsync(3</up/b>) = 0'],
      ['content of a'],
    ],
    [
      'a sync that failed',
      ['1 write(3</up/a>, "x", 1) = 1', '1 fsync(3</up/a>) = -1 EIO (Input/output error)'],
      ['content of a'],
    ],
    [
      'a sync that began before the write had ended',
      [
        '1 write(3</up/a>, "x", 1 <unfinished ...>',
        '2 fsync(3</up/a> <unfinished ...>',
        '1 <... write resumed>) = 1',
        '2 <... fsync resumed>) = 0',
      ],
      ['content of a'],
    ],
    [
      'a sync that has not returned',
      ['1 write(3</up/a>, "x", 1) = 1', '2 fsync(3</up/a> <unfinished ...>'],
      ['content of a'],
    ],
    ['a new name', ['1 openat(AT_FDCWD</>, "/up/a", O_WRONLY|O_CREAT, 0666) = 3</up/a>'], ['entry a']],
    [
      'a new name in a directory that was synced',
      ['1 openat(AT_FDCWD</>, "/up/a", O_WRONLY|O_CREAT, 0666) = 3</up/a>', '1 fsync(4</up>) = 0'],
      [],
    ],
    [
      'a rename of bytes that were not synced',
      ['1 write(3</up/t>, "x", 1) = 1', '1 rename("/up/t", "/up/a") = 0', '1 fsync(4</up>) = 0'],
      ['content of a'],
    ],
    [
      'a rename that came after the directory was synced',
      [
        '1 write(3</up/t>, "x", 1) = 1',
        '1 fsync(3</up/t>) = 0',
        '1 fsync(4</up>) = 0',
        '1 rename("/up/t", "/up/a") = 0',
      ],
      ['entry a'],
    ],
  ])('tells what is not on disk: %s', (_case, lines, unsynced) => {
    const [seen] = answersOnDisk(parseTrace([...lines, answer].join('\n')), folder);
    expect(seen?.unsynced).toEqual(unsynced);
  });
});
