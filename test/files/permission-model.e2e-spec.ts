import { runServer, startServer } from '../harness/server-process.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { download, storeUpload } from '../harness/tus-requests.js';

/** Node's permission model, by the names that this version has for it: everything may be read, the folder written. */
function permitted(folder: string): Record<string, string> {
  const known = (...flags: string[]) =>
    flags.filter((flag) => process.allowedNodeEnvironmentFlags.has(flag.split('=')[0] ?? ''));
  const [model] = known('--permission', '--experimental-permission');
  const flags = [model, '--allow-fs-read=*', `--allow-fs-write=${folder}`, ...known('--allow-net')];
  return { NODE_OPTIONS: flags.join(' ') };
}

describe("a server under Node's permission model, with its folder allowed", () => {
  it('stores uploads', async () => {
    const uploadDir = await temporaryFolder();
    const server = await startServer({ uploadDir, environment: permitted(uploadDir) });
    const url = await storeUpload(server.url, 'hello');
    expect((await download(url)).text).toBe('hello');
  });

  it('does not promise to survive a loss of power, which takes calls that Node forbids there', async () => {
    const uploadDir = await temporaryFolder();
    const flags = ['--port', '0', '--upload-dir', uploadDir, '--durability', 'power-loss'];
    const server = runServer(flags, permitted(uploadDir));
    const { code } = await server.exited;
    expect(code).not.toBe(0);
    expect(server.stderr() + server.stdout()).toMatch(
      /durability 'power-loss' needs fsync.*forbids under --permission.*Write durability: 'crash', or start node without --permission/,
    );
  });
});
