import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { Controller, Get, Inject, Injectable, Module, NotFoundException, Param } from '@nestjs/common';
import { TusHook, TusModule, TusService } from 'nestjs-tus';
import type { HookEvent, TusHooks } from 'nestjs-tus';

/** What the jobs have found. A real app has a database. */
@Injectable()
export class Checksums {
  readonly byUpload = new Map<string, string>();
}

/**
 * Runs when an upload is complete, after its client was told. It may take its time: if it fails, or the process ends, it runs again.
 * So it may run twice for one upload, and has to come to the same.
 */
@Injectable()
@TusHook()
export class ChecksumJob implements TusHooks {
  constructor(
    @Inject(TusService) private readonly uploads: TusService,
    @Inject(Checksums) private readonly checksums: Checksums,
  ) {}

  async postFinish({ upload }: HookEvent): Promise<void> {
    const hash = createHash('sha256');
    await pipeline(await this.uploads.reader(upload.id), hash);
    this.checksums.byUpload.set(upload.id, hash.digest('hex'));
  }
}

@Controller('checksums')
export class ChecksumsController {
  constructor(@Inject(Checksums) private readonly checksums: Checksums) {}

  @Get(':id')
  checksum(@Param('id') id: string): { sha256: string } {
    const sha256 = this.checksums.byUpload.get(id);
    if (!sha256) throw new NotFoundException('not yet');
    return { sha256 };
  }
}

@Module({
  imports: [TusModule.forRoot({ path: 'files' })],
  controllers: [ChecksumsController],
  providers: [Checksums, ChecksumJob],
})
export class ExampleModule {}
