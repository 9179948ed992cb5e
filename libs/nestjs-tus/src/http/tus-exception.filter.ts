import { Catch, Inject, Logger } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { TUS_ENDPOINT } from '../tus.tokens.js';
import { rawRequest, rawResponse, takeOver } from './raw.js';
import type { FrameworkRequest, FrameworkResponse } from './raw.js';
import type { TusEndpoint } from './tus-endpoint.js';

/**
 * Answers whatever guards, pipes, interceptors and the engine throw on an endpoint's routes, so that a refusal keeps
 * the protocol's headers and those of CORS. Filters of the app don't see it: one bound to the controller comes first.
 */
@Catch()
export class TusExceptionFilter implements ExceptionFilter {
  private readonly logger = new Logger('TusModule');

  constructor(@Inject(TUS_ENDPOINT) private readonly endpoint: TusEndpoint) {}

  async catch(exception: unknown, host: ArgumentsHost): Promise<void> {
    const http = host.switchToHttp();
    const request = http.getRequest<FrameworkRequest>();
    const response = http.getResponse<FrameworkResponse>();
    if (rawResponse(response).headersSent) {
      // An interceptor that failed after the answer, a store in the middle of a download: nothing else can be said any
      // more, and somebody should know.
      this.logger.error(`${this.endpoint.name}: thrown after the answer had begun`, stackOf(exception));
      return;
    }
    await this.endpoint.refuse(rawRequest(request), takeOver(response), exception);
  }
}

function stackOf(exception: unknown): string {
  return exception instanceof Error ? (exception.stack ?? exception.message) : String(exception);
}
