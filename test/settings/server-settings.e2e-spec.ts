import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../harness/eventually.js';
import { runServer, startServer } from '../harness/server-process.js';
import { temporaryFolder } from '../harness/temporary-folder.js';

/** Runs the server until it ends by itself. */
async function ended(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const server = runServer(['--host', '127.0.0.1', '--port', '0', ...args], environment);
  const { code } = await server.exited;
  return { code, stdout: server.stdout(), stderr: server.stderr() };
}

describe('the settings of the server', () => {
  it('say the version', async () => {
    const manifest = JSON.parse(
      await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'),
    ) as object;
    const { version } = manifest as { version: string };
    expect(await ended(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each([
    [['--expire-after', '2400000000h'], {}, /^--expire-after wants a duration .* not "2400000000h"\n$/],
    [['--port', '70000'], {}, /^--port wants a port from 0 to 65535, not "70000"\n$/],
    [['--disable-cors=constructor'], {}, /^--disable-cors wants nothing/],
    [[], { TUS_MAX_SIZE: '5GB' }, /^TUS_MAX_SIZE wants a number of bytes, or a size such as .* not "5GB"\n$/],
    [
      ['--s3-endpoint', 'https://ada:s3cret@s3.example'],
      {},
      /^--s3-endpoint wants a URL .*"https:\/\/\*\*\*@s3/,
    ],
    [['--redis-url', 'redis://:s3cret@host/uploads'], {}, /^--redis-url wants a URL such as .*\n$/],
  ])('end it with one line and code 2 when they are %j and %j', async (args, environment, text) => {
    const { code, stdout, stderr } = await ended(args, environment);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(text);
    expect(stderr.trimEnd()).not.toMatch(/\n|s3cret/);
  });

  it('keep the password of a Redis that is away out of the log', async () => {
    const server = await startServer({
      flags: ['--locker', 'redis', '--redis-url', 'redis://ada:s3cret@127.0.0.1:1/0'],
    });
    const said = () => server.stdout() + server.stderr();
    await eventually('the line about Redis', () => said().includes('Redis'));
    await server.stop();
    expect(said()).not.toContain('s3cret');
  });

  it('warn of a variable that is none of its own, and start', async () => {
    const server = await startServer({ environment: { TUS_PROT: '9000', TUS_DISABLE_CORS: '' } });
    expect(server.stderr()).toBe(
      'warning: TUS_PROT is no variable of this server and has no effect: did you mean TUS_PORT?\n',
    );
  });

  it.each(['EPERM', 'ENOTSUP', 'EMLINK', 'ENOSYS', 'EOPNOTSUPP'])(
    'end it at the start when locks would be in a file system whose link(2) fails with %s',
    async (code) => {
      const uploadDir = await temporaryFolder();
      const result = await ended(['--locker', 'file', '--upload-dir', uploadDir], {
        NODE_OPTIONS: `--import ${join(import.meta.dirname, 'no-hard-links.mjs')}`,
        NO_HARD_LINKS: code,
      });
      expect(result.code).toBe(1);
      expect(result.stderr).toContain(`its file system has no hard links: link fails with ${code}`);
      expect(result.stderr).toContain('give another directory');
      expect(await readdir(join(uploadDir, '.locks', 'processes'))).toEqual([]);
    },
  );
});
