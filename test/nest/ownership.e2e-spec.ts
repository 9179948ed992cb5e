import { Head, Injectable, Post, Req, Res, type CanActivate, type ExecutionContext } from '@nestjs/common';
import {
  CurrentTusOperation,
  CurrentTusUpload,
  getTusUpload,
  MemoryStore,
  TusController,
  TusModule,
  type FileInfo,
  type TusOperation,
} from 'nestjs-tus';
import { describeEachAdapter } from './adapters.js';
import { ApiKeyGuard, AuthModule } from './apps/api-key.js';
import { append, create, idOf, send, TUS, upload } from './apps/http-client.js';
import { OwnerGuard, OwnerHooks } from './apps/owner.js';

const ADA = { 'X-Api-Key': 'k-ada' };
const BOB = { 'X-Api-Key': 'k-bob' };

describeEachAdapter('ownership', (startApp) => {
  const owned = () =>
    startApp({
      imports: [
        TusModule.forRoot({
          store: { useFactory: () => new MemoryStore() },
          guards: [ApiKeyGuard, OwnerGuard],
          hooks: [OwnerHooks],
          imports: [AuthModule],
        }),
      ],
    });

  it('is checked for every verb, overridden ones too', async () => {
    const { url } = await owned();
    const one = await create(`${url}/files`, 5, ADA);
    for (const [method, override] of [
      ['HEAD'],
      ['GET'],
      ['PATCH'],
      ['DELETE'],
      ['POST', 'HEAD'],
      ['POST', 'PATCH'],
      ['GET', 'DELETE'],
    ] as const) {
      const overriding = override ? { 'X-HTTP-Method-Override': override } : {};
      const answer = await send(method, one, { ...TUS, ...BOB, ...overriding, 'Upload-Offset': 0 });
      expect([method, override, answer.status, answer.headers['tus-resumable']]).toEqual([
        method,
        override,
        403,
        '1.0.0',
      ]);
    }
    expect((await append(one, 0, 'hello', ADA)).status).toBe(204);
    expect((await send('GET', one, ADA)).body).toBe('hello');
  });

  it('is checked for each member of a concatenation, however it is named', async () => {
    const { url } = await owned();
    const partial = { 'Upload-Concat': 'partial' };
    const [ada, bob] = [
      await upload(`${url}/files`, 'ada', { ...ADA, ...partial }, ADA),
      await upload(`${url}/files`, 'bob', { ...BOB, ...partial }, BOB),
    ];
    const join = (...members: string[]) =>
      send('POST', `${url}/files`, { ...TUS, ...ADA, 'Upload-Concat': `final;${members.join(' ')}` });
    for (const theirs of [bob, `/files/${idOf(bob)}`, idOf(bob), `./${idOf(bob)}`]) {
      expect((await join(ada, theirs)).status).toBe(403);
    }
    expect((await join(ada, `${url}/elsewhere/..`)).status).toBe(400);
    expect((await join(ada, ada)).status).toBe(201);
  });

  it('leaves unknown uploads unknown', async () => {
    const { url } = await owned();
    const answer = await send('HEAD', `${url}/files/f00`, { ...TUS, ...ADA });
    expect([answer.status, answer.headers['tus-resumable']]).toEqual([404, '1.0.0']);
  });
});

describeEachAdapter('getTusUpload', (startApp) => {
  it('reads an upload once for a request, without a lock', async () => {
    const store = new MemoryStore();
    const seen: (FileInfo | undefined)[] = [];
    @Injectable()
    class Twice implements CanActivate {
      async canActivate(context: ExecutionContext): Promise<boolean> {
        const [one, other] = await Promise.all([getTusUpload(context), getTusUpload(context)]);
        expect(one).toBe(other);
        seen.push(one);
        return false;
      }
    }
    const { url } = await startApp({
      imports: [
        TusModule.forRoot({
          store: { useValue: store },
          guards: [Twice],
          locker: {
            useValue: {
              newLock: () => {
                throw new Error('a guard takes no lock');
              },
            },
          },
        }),
      ],
    });
    const info = { id: 'f00', size: 5, sizeIsDeferred: false, offset: 0, metaData: {} };
    await store.newUpload({ ...info, isPartial: false, isFinal: false, partialUploads: [] }, {});
    expect((await send('HEAD', `${url}/files/f00`, TUS)).status).toBe(403);
    expect((await send('POST', `${url}/files`, { ...TUS, 'Upload-Length': 5 })).status).toBe(403);
    expect(seen).toEqual([expect.objectContaining({ id: 'f00', size: 5 }), undefined]);
  });
});

describeEachAdapter("a controller of the app's own", (startApp) => {
  it('is given operation and upload by decorators', async () => {
    const seen: unknown[] = [];
    class AuditedController extends TusController {
      @Post()
      override create(
        @Req() request: Parameters<TusController['create']>[0],
        @Res() response: Parameters<TusController['create']>[1],
        @CurrentTusOperation() operation?: TusOperation,
      ) {
        seen.push(operation);
        return super.create(request, response);
      }

      @Head(':id')
      override status(
        @Req() request: Parameters<TusController['status']>[0],
        @Res() response: Parameters<TusController['status']>[1],
        @CurrentTusUpload() stored: unknown,
      ) {
        seen.push(stored);
        return super.status(request, response, (stored as FileInfo).id);
      }
    }
    const { url } = await startApp({
      imports: [
        TusModule.forRoot({ store: { useFactory: () => new MemoryStore() }, controller: AuditedController }),
      ],
    });
    const one = await create(`${url}/files`, 5);
    expect((await send('HEAD', one, TUS)).headers['upload-offset']).toBe('0');
    expect(seen).toMatchObject([{ name: 'create' }, { id: idOf(one), offset: 0 }]);
  });
});
