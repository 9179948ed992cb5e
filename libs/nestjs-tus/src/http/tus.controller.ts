import { Delete, Get, Head, Inject, Param, Patch, Post, Req, Res, UseFilters } from '@nestjs/common';
import { errors } from '@nestjs-tus/core';
import { TUS_ENDPOINT } from '../tus.tokens.js';
import { answerOnce } from './answer-once.js';
import type { TusOutcome } from './answer-once.js';
import { rawRequest } from './raw.js';
import type { FrameworkRequest, FrameworkResponse } from './raw.js';
import type { TusEndpoint } from './tus-endpoint.js';
import { TusExceptionFilter } from './tus-exception.filter.js';

/**
 * The routes of an endpoint. Each registration of TusModule serves a subclass of its own, so this class has no path. The parameter of a
 * route is there for pipes: the id that counts is the one that the front door has read.
 *
 * Subclass it to put decorators on it, and give it as `controller`. A handler that you override needs its route
 * decorator again: Nest keeps routes with the function.
 *
 * @example
 * \@ApiTags('uploads')
 * \@UseGuards(JwtAuthGuard)
 * export class FilesController extends TusController {}
 */
@UseFilters(TusExceptionFilter)
export abstract class TusController {
  // By property: a subclass may have a constructor of its own without handing this on.
  @Inject(TUS_ENDPOINT) private readonly endpoint!: TusEndpoint;

  @Post()
  create(@Req() request: FrameworkRequest, @Res() response: FrameworkResponse): Promise<TusOutcome> {
    return this.answer(request, response);
  }

  /** Carries X-HTTP-Method-Override: what it does is in there. */
  @Post(':id')
  override(
    @Req() request: FrameworkRequest,
    @Res() response: FrameworkResponse,
    @Param('id') _id: string,
  ): Promise<TusOutcome> {
    return this.answer(request, response);
  }

  // Above download: Express answers HEAD with a GET route that it meets first, and Fastify makes one of its own.
  @Head(':id')
  status(
    @Req() request: FrameworkRequest,
    @Res() response: FrameworkResponse,
    @Param('id') _id: string,
  ): Promise<TusOutcome> {
    return this.answer(request, response);
  }

  @Get(':id')
  download(
    @Req() request: FrameworkRequest,
    @Res() response: FrameworkResponse,
    @Param('id') _id: string,
  ): Promise<TusOutcome> {
    return this.answer(request, response);
  }

  @Patch(':id')
  append(
    @Req() request: FrameworkRequest,
    @Res() response: FrameworkResponse,
    @Param('id') _id: string,
  ): Promise<TusOutcome> {
    return this.answer(request, response);
  }

  @Delete(':id')
  terminate(
    @Req() request: FrameworkRequest,
    @Res() response: FrameworkResponse,
    @Param('id') _id: string,
  ): Promise<TusOutcome> {
    return this.answer(request, response);
  }

  /**
   * What is done is what the front door has read and guards have seen. The route says nothing: the method may be overridden, and the
   * router may have read another id.
   */
  private async answer(request: FrameworkRequest, response: FrameworkResponse): Promise<TusOutcome> {
    const open = this.endpoint.exchangeOf(rawRequest(request));
    if (!open) throw errors.notFound();
    return answerOnce(open, response);
  }
}
