import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  NotFoundException,
  Param,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { getTusUploads, isHttpError, TusModule, TusService } from 'nestjs-tus';
import type { FileInfo, HookEvent, HookResult, JsonValue, TusHooks } from 'nestjs-tus';

/** Who calls, as a token says. A real app asks its identity provider. */
const USERS: Readonly<Record<string, string>> = { 'token-of-ada': 'ada', 'token-of-bob': 'bob' };

interface UserRequest {
  readonly params?: { readonly id?: string };
  readonly headers: { readonly authorization?: string };
  user?: string;
}

@Injectable()
export class TokenGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<UserRequest>();
    request.user = USERS[request.headers.authorization?.replace(/^Bearer /, '') ?? ''];
    if (!request.user) throw new UnauthorizedException();
    return true;
  }
}

/**
 * Lets a user at their own uploads only. On the endpoint's routes these are the upload of the URL and each that a final upload is to be
 * made of; on a route of the app's own, the upload that its parameter `id` names.
 */
@Injectable()
export class OwnerGuard implements CanActivate {
  constructor(@Inject(TusService) private readonly service: TusService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<UserRequest>();
    const uploads = (await getTusUploads(context)) ?? [await this.uploadOf(request)];
    const isOwner = ({ context }: FileInfo) =>
      request.user !== undefined && ownerOf(context) === request.user;
    // What belongs to another user is not there.
    if (!uploads.every(isOwner)) throw new NotFoundException();
    return true;
  }

  private async uploadOf({ params }: UserRequest): Promise<FileInfo> {
    try {
      return await this.service.info(params?.id ?? '');
    } catch (error) {
      // Nest would answer 500 to an error that is not its own.
      if (isHttpError(error) && error.status === 404) throw new NotFoundException();
      throw error;
    }
  }
}

@Injectable()
export class OwnerHooks implements TusHooks {
  /** The owner is kept with the upload, and never sent to a client. */
  preUploadCreate({ request }: HookEvent): HookResult {
    const owner = (request as UserRequest).user ?? '';
    return { changes: { context: { owner } } };
  }
}

function ownerOf(context: JsonValue | undefined): unknown {
  return typeof context === 'object' && context !== null && 'owner' in context ? context.owner : undefined;
}

/** A route of the app's own, under the same guards. */
@Controller('files')
@UseGuards(TokenGuard, OwnerGuard)
export class FileNamesController {
  constructor(@Inject(TusService) private readonly uploads: TusService) {}

  @Get(':id/name')
  async name(@Param('id') id: string): Promise<string> {
    return (await this.uploads.info(id)).metaData['filename'] ?? '';
  }
}

@Module({
  imports: [TusModule.forRoot({ path: 'files', guards: [TokenGuard, OwnerGuard], hooks: [OwnerHooks] })],
  controllers: [FileNamesController],
})
export class ExampleModule {}
