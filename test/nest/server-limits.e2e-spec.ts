import type { Server } from 'node:http';
import { MemoryStore, TusModule } from 'nestjs-tus';
import { describeEachAdapter } from './adapters.js';
import { append, create, send, TUS } from './apps/http-client.js';

describeEachAdapter("the app's server", (startApp) => {
  it('takes a final upload of 300 parts, beyond the limit that Node has for heads', async () => {
    const { url } = await startApp({
      imports: [TusModule.forRoot({ store: { useFactory: () => new MemoryStore() } })],
    });
    const part = await create(`${url}/files`, 1, { 'Upload-Concat': 'partial' });
    await append(part, 0, 'x');
    const parts: string[] = [];
    for (let count = 0; count < 300; count += 1) {
      const one = await create(`${url}/files`, 1, { 'Upload-Concat': 'partial' });
      await append(one, 0, 'x');
      parts.push(one);
    }
    const header = `final;${parts.join(' ')}`;
    expect(header.length).toBeGreaterThan(16 * 1024);
    const answer = await send('POST', `${url}/files`, { ...TUS, 'Upload-Concat': header });
    expect(answer.status).toBe(201);
  });

  it('keeps a limit that the app has set, and the log says what limits there are', async () => {
    const lines: string[] = [];
    const write = (text: string) => void lines.push(text);
    const logger = { log: write, warn: write, error: write };
    const { app } = await startApp(
      { imports: [TusModule.forRoot({ store: { useFactory: () => new MemoryStore() }, logger })] },
      {
        prepare: (prepared) => {
          const server = prepared.getHttpServer() as Server & { maxHeaderSize?: number };
          server.maxHeaderSize = 32 * 1024;
          server.headersTimeout = 20_000;
          server.keepAliveTimeout = 65_000;
        },
      },
    );
    expect((app.getHttpServer() as Server & { maxHeaderSize?: number }).maxHeaderSize).toBe(32 * 1024);
    expect(lines).toContainEqual(
      expect.stringMatching(
        /header timeout 20 s, idle keep-alive 65 s, connections unlimited, heads up to 32 KiB/,
      ),
    );
  });
});
