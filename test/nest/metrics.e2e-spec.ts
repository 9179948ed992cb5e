import { Metrics, MemoryStore, TusModule, getTusMetricsToken } from 'nestjs-tus';
import { TusMetricsModule, TUS_REGISTRY } from 'nestjs-tus/metrics';
import { Counter, Registry } from 'prom-client';
import { append, create, send, TUS, upload } from './apps/http-client.js';
import { describeEachAdapter } from './adapters.js';

describeEachAdapter('metrics', (startApp) => {
  const store = { useFactory: () => new MemoryStore() };

  describe('Metrics', () => {
    it('of each endpoint can be injected', async () => {
      const { app, url } = await startApp({
        imports: [TusModule.forRoot({ store }), TusModule.forRoot({ name: 'docs', path: 'docs', store })],
      });
      await upload(`${url}/docs`, 'hello');
      expect(app.get(Metrics)).toMatchObject({ uploadsCreated: 0 });
      expect(app.get(getTusMetricsToken('docs'))).toMatchObject({
        uploadsCreated: 1,
        uploadsFinished: 1,
        bytesReceived: 5,
        requestsTotal: { POST: 1, PATCH: 1 },
        requestsInFlight: 0,
      });
    });
  });

  describe('TusMetricsModule', () => {
    it('shows Prometheus the numbers of all endpoints', async () => {
      const { url } = await startApp({
        imports: [
          TusModule.forRoot({ store, preFinishResponseCallback: () => undefined }),
          TusModule.forRoot({ name: 'docs', path: 'docs', store }),
          TusMetricsModule.forRoot(),
        ],
      });
      const one = await upload(`${url}/files`, 'hello');
      await send('DELETE', one, TUS);
      await append(await create(`${url}/files`, 5), 3, 'lo');
      const { status, headers, body } = await send('GET', `${url}/metrics`);
      expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
      expect(body.split('\n')).toEqual(
        expect.arrayContaining([
          'tus_requests_total{endpoint="default",method="PATCH"} 2',
          'tus_requests_total{endpoint="docs",method="PATCH"} 0',
          'tus_errors_total{endpoint="default",status="409",code="ERR_MISMATCHED_OFFSET"} 1',
          'tus_bytes_received_total{endpoint="default"} 5',
          'tus_uploads_created_total{endpoint="default"} 2',
          'tus_uploads_finished_total{endpoint="default"} 1',
          'tus_uploads_terminated_total{endpoint="default"} 1',
          'tus_uploads_expired_total{endpoint="default"} 0',
          'tus_requests_in_flight{endpoint="default"} 0',
          '# TYPE tus_lock_wait_seconds histogram',
          'tus_lock_wait_seconds_bucket{endpoint="default",le="+Inf"} 3',
          'tus_hook_duration_seconds_count{endpoint="default",hook="preFinishResponse"} 1',
          'tus_hook_duration_seconds_bucket{endpoint="default",hook="preFinishResponse",le="30"} 1',
        ]),
      );
      // Scraped twice, nothing is counted twice.
      expect((await send('GET', `${url}/metrics`)).body).toBe(body);
    });

    it("fills an app's own registry, under a prefix, and leaves the route to the app", async () => {
      const registry = new Registry();
      new Counter({ name: 'mine_total', help: 'mine', registers: [registry] }).inc(3);
      const { app, url } = await startApp({
        imports: [
          TusModule.forRoot({ store }),
          TusMetricsModule.forRoot({ registry, path: false, prefix: 'uploads_' }),
        ],
      });
      expect((await send('GET', `${url}/metrics`)).status).toBe(404);
      expect(app.get(TUS_REGISTRY, { strict: false })).toBe(registry);
      const text = await registry.metrics();
      expect(text).toContain('mine_total 3');
      expect(text).toContain('uploads_uploads_created_total{endpoint="default"} 0');
      await expect(registry.getMetricsAsJSON()).resolves.toEqual(
        expect.arrayContaining([expect.objectContaining({ name: 'uploads_lock_wait_seconds' })]),
      );
    });
  });
});
