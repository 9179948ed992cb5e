import type { CanActivate, NestInterceptor } from '@nestjs/common';
import { HttpError } from '@nestjs-tus/core';
import { MemoryStore, TusModule } from 'nestjs-tus';
import { describeEachAdapter } from './adapters.js';
import { create, send, TUS } from './apps/http-client.js';

const store = { useFactory: () => new MemoryStore() };
const refuse = (): never => {
  throw new HttpError(
    { code: 'ERR_REFUSED', status: 422, message: 'not this one' },
    { header: { 'upload-offset': 'seven', 'Upload-Complete': '?1', 'X-Why': 'policy' } },
  );
};
const GUARD: CanActivate = { canActivate: () => !isOn || refuse() };
const INTERCEPTOR: NestInterceptor = { intercept: (_, next) => (isOn ? refuse() : next.handle()) };
let isOn = false;

describeEachAdapter('an error that says how far an upload has come', (startApp) => {
  it.each([
    ['a guard', { guards: [GUARD] }],
    ['an interceptor', { interceptors: [INTERCEPTOR] }],
  ])('goes out without that, whatever throws it: %s', async (_name, parts) => {
    isOn = false;
    const { url } = await startApp({ imports: [TusModule.forRoot({ store, ...parts })] });
    const upload = await create(`${url}/files`, 5);
    isOn = true;
    const answer = await send('DELETE', upload, TUS);
    expect(answer).toMatchObject({ status: 422, headers: { 'x-why': 'policy', 'tus-resumable': '1.0.0' } });
    expect(answer.headers).not.toHaveProperty('upload-offset');
    expect(answer.headers).not.toHaveProperty('upload-complete');
  });
});
