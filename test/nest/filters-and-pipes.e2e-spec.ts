import {
  BadRequestException,
  Catch,
  HttpException,
  Injectable,
  Module,
  UseFilters,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR, APP_PIPE, HttpAdapterHost } from '@nestjs/core';
import { MemoryStore, TusModule, type Outcome } from 'nestjs-tus';
import { tap } from 'rxjs';
import { describeEachAdapter } from './adapters.js';
import { append, create, idOf, send, TUS } from './apps/http-client.js';

const store = { useFactory: () => new MemoryStore() };
const VERBS = [
  ['POST', ''],
  ['HEAD', '/f00'],
  ['GET', '/f00'],
  ['PATCH', '/f00'],
  ['DELETE', '/f00'],
];

class QuotaError extends Error {}

describeEachAdapter('filters', (startApp) => {
  it.each(VERBS)('of the app leave the protocol its headers: %s%s', async (method = '', path = '') => {
    @Catch()
    class Everything implements ExceptionFilter {
      constructor(private readonly host: HttpAdapterHost) {}
      catch(_exception: unknown, host: ArgumentsHost): void {
        this.host.httpAdapter.reply(host.switchToHttp().getResponse(), 'mine', 418);
      }
    }
    const refusing = {
      canActivate: () => {
        throw new HttpException('no', 402);
      },
    };
    const { url } = await startApp({
      imports: [TusModule.forRoot({ store, guards: [refusing] })],
      providers: [{ provide: APP_FILTER, useClass: Everything }],
    });
    const answer = await send(method, `${url}/files${path}`, TUS);
    expect([answer.status, answer.headers['tus-resumable']]).toEqual([402, '1.0.0']);
    expect((await send('GET', `${url}/elsewhere`)).status).toBe(418);
  });

  it('of the endpoint come first for what they catch', async () => {
    @Catch(QuotaError)
    class QuotaFilter implements ExceptionFilter {
      constructor(private readonly host: HttpAdapterHost) {}
      catch(_exception: QuotaError, host: ArgumentsHost): void {
        this.host.httpAdapter.reply(host.switchToHttp().getResponse(), { quota: 'exceeded' }, 413);
      }
    }
    const guard: CanActivate = {
      canActivate: (context) => {
        const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
        if (headers['x-full']) throw new QuotaError();
        return headers['x-bad'] === undefined;
      },
    };
    const { url } = await startApp({
      imports: [TusModule.forRoot({ store, guards: [guard], decorators: [UseFilters(QuotaFilter)] })],
    });
    const full = await send('POST', `${url}/files`, { ...TUS, 'X-Full': '1' });
    expect([full.status, JSON.parse(full.body)]).toEqual([413, { quota: 'exceeded' }]);
    const bad = await send('POST', `${url}/files`, { ...TUS, 'X-Bad': '1' });
    expect([bad.status, bad.headers['tus-resumable']]).toEqual([403, '1.0.0']);
  });
});

describeEachAdapter('a global pipe', (startApp) => {
  @Injectable()
  class Strict implements PipeTransform {
    transform(value: unknown): unknown {
      if (value === 'f00') throw new BadRequestException('not this one');
      return typeof value === 'string' ? value.toUpperCase() : value;
    }
  }

  it('may refuse, and cannot make another upload of the id', async () => {
    @Module({
      imports: [TusModule.forRoot({ store })],
      providers: [{ provide: APP_PIPE, useClass: Strict }],
    })
    class AppModule {}
    const { url } = await startApp({ imports: [AppModule] });
    const answer = await send('HEAD', `${url}/files/f00`, TUS);
    expect([answer.status, answer.headers['tus-resumable']]).toEqual([400, '1.0.0']);
    const one = await create(`${url}/files`, 5);
    expect((await append(one, 0, 'hello')).status).toBe(204);
  });
});

describeEachAdapter('a global interceptor', (startApp) => {
  it('sees the outcome of every operation, and refuses before it', async () => {
    const outcomes: unknown[] = [];
    @Injectable()
    class Watcher implements NestInterceptor {
      intercept(context: ExecutionContext, next: CallHandler<Outcome>) {
        const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
        if (headers['x-bad']) throw new HttpException('no', 402);
        return next.handle().pipe(tap(({ kind }) => outcomes.push(kind)));
      }
    }
    const { url } = await startApp({
      imports: [TusModule.forRoot({ store })],
      providers: [{ provide: APP_INTERCEPTOR, useClass: Watcher }],
    });
    const one = await create(`${url}/files`, 5);
    await append(one, 0, 'hello');
    await send('HEAD', one, TUS);
    await send('GET', one);
    const refused = await send('DELETE', one, { ...TUS, 'X-Bad': '1' });
    expect([refused.status, refused.headers['tus-resumable']]).toEqual([402, '1.0.0']);
    await send('POST', one, { ...TUS, 'X-HTTP-Method-Override': 'DELETE' });
    expect(outcomes).toEqual(['created', 'appended', 'status', 'download', 'terminated']);
    expect((await send('HEAD', `${url}/files/${idOf(one)}`, TUS)).status).toBe(404);
  });
});
