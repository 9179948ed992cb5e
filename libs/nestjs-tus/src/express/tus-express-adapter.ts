import { IncomingMessage, ServerResponse, type ServerOptions } from 'node:http';
import type { NestApplicationOptions } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';

/** The parts of an Express application that its requests and responses inherit from. */
interface ExpressApplication {
  request: object;
  response: object;
}

/**
 * Nest's ExpressAdapter, with a server that makes requests and responses of Express's kind from the start.
 *
 * Express gives each request and response its own prototype by `Object.setPrototypeOf`, after which every access to their
 * properties is slow: that is most of what Express costs a small request. Objects that have that prototype from their construction
 * make the call a no-op; everything else is as it was.
 *
 * @example
 * const app = await NestFactory.create(AppModule, new TusExpressAdapter());
 */
export class TusExpressAdapter extends ExpressAdapter {
  private listenerInPlaceOfApplication: object | undefined;

  /**
   * @param instance an Express application; a new one otherwise
   * @param serverOptions options of `http.createServer`: `maxHeaderSize`, `requestTimeout` …
   */
  constructor(
    instance?: object,
    private readonly serverOptions: ServerOptions = {},
  ) {
    super(instance);
  }

  override initHttpServer(options: NestApplicationOptions): void {
    const serverOptions = { ...this.serverOptions, ...constructorsFor(this.application) };
    if (options?.httpsOptions) {
      super.initHttpServer({ ...options, httpsOptions: { ...options.httpsOptions, ...serverOptions } });
      return;
    }
    // The original calls `http.createServer(this.getInstance())`, without a place for options. Given options instead of a listener,
    // `createServer` takes them, and the listener can be added: that keeps all else that the original does here.
    this.listenerInPlaceOfApplication = serverOptions;
    super.initHttpServer(options);
    this.listenerInPlaceOfApplication = undefined;
    this.getHttpServer().on('request', this.application);
  }

  override getInstance<T>(): T {
    return (this.listenerInPlaceOfApplication ?? super.getInstance()) as T;
  }

  private get application(): ExpressApplication & ((req: IncomingMessage, res: ServerResponse) => void) {
    return super.getInstance();
  }
}

/** Constructors whose instances are what the application's own requests and responses are. */
function constructorsFor(
  application: ExpressApplication,
): Pick<ServerOptions, 'IncomingMessage' | 'ServerResponse'> {
  class ExpressRequest extends IncomingMessage {}
  class ExpressResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {}
  application.request = takePlaceOf(application.request, ExpressRequest.prototype);
  application.response = takePlaceOf(application.response, ExpressResponse.prototype);
  return { IncomingMessage: ExpressRequest, ServerResponse: ExpressResponse };
}

/**
 * Gives the prototype of a class all that another object has and inherits. The prototype takes the object's place, and not the other
 * way round: V8 lays objects out well only for the class that makes them (docs/decisions/express-adapter.md).
 */
function takePlaceOf(original: object, prototype: object): object {
  Object.setPrototypeOf(prototype, Object.getPrototypeOf(original) as object);
  Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(original));
  // Applications that were mounted before inherit from it: what is added later is to be theirs, too.
  Object.setPrototypeOf(original, prototype);
  return prototype;
}
