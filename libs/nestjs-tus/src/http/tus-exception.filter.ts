import { Catch, Inject } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { TUS_ENDPOINT } from '../tus.tokens.js';
import { rawRequest, takeOver } from './raw.js';
import type { FrameworkRequest, FrameworkResponse } from './raw.js';
import type { TusEndpoint } from './tus-endpoint.js';

/**
 * Answers whatever guards, pipes, interceptors and the engine throw on an endpoint's routes, so that a refusal keeps
 * the protocol's headers and those of CORS. Filters of the app don't see it: one bound to the controller comes first.
 */
@Catch()
export class TusExceptionFilter implements ExceptionFilter {
  constructor(@Inject(TUS_ENDPOINT) private readonly endpoint: TusEndpoint) {}

  async catch(exception: unknown, host: ArgumentsHost): Promise<void> {
    // Nest does not wait for it: a rejection would end the process.
    try {
      const http = host.switchToHttp();
      const request = rawRequest(http.getRequest<FrameworkRequest>());
      const response = takeOver(http.getResponse<FrameworkResponse>());
      await this.endpoint.refuse(request, response, exception);
    } catch (error) {
      this.endpoint.handler.config.logger.error(
        `${this.endpoint.name}: a request could not be answered`,
        error,
      );
    }
  }
}
