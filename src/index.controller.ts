import { Controller, Get, Inject } from '@nestjs/common';
import { TusHandler } from 'nestjs-tus';

/** What somebody who opens the server in a browser wants to know. */
export interface ServerDescription {
  readonly protocol: 'tus';
  readonly versions: readonly string[];
  readonly basePath: string;
  readonly extensions: readonly string[];
  /** Bytes; absent: no limit. */
  readonly maxSize?: number;
}

@Controller()
export class IndexController {
  constructor(@Inject(TusHandler) private readonly handler: TusHandler) {}

  @Get()
  describe(): ServerDescription {
    const { basePath, maxSize } = this.handler.config;
    return {
      protocol: 'tus',
      versions: ['1.0.0'],
      basePath,
      extensions: this.handler.supportedExtensions().split(','),
      ...(maxSize > 0 && { maxSize }),
    };
  }
}
