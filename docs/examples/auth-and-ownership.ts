import { Inject, Injectable, Module, NotFoundException, UnauthorizedException } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { getTusOperation, TusModule, TusService } from 'nestjs-tus';
import type { HookEvent, HookResult, JsonValue, TusHooks } from 'nestjs-tus';

/** Whoever calls, as a token says. A real app asks its identity provider. */
const USERS: Readonly<Record<string, string>> = { 'token-of-ada': 'ada', 'token-of-bob': 'bob' };

interface UserRequest {
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

/** Lets nobody near an upload of somebody else: the one of the URL, and each that a final upload is to be made of. */
@Injectable()
export class OwnerGuard implements CanActivate {
  constructor(@Inject(TusService) private readonly uploads: TusService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { uploadId, partialUploadIds = [] } = getTusOperation(context) ?? {};
    const { user } = context.switchToHttp().getRequest<UserRequest>();
    for (const id of [...(uploadId === undefined ? [] : [uploadId]), ...partialUploadIds]) {
      // What belongs to somebody else is not there.
      if (ownerOf((await this.uploads.info(id)).context) !== user) throw new NotFoundException();
    }
    return true;
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

@Module({
  imports: [TusModule.forRoot({ path: 'files', guards: [TokenGuard, OwnerGuard], hooks: [OwnerHooks] })],
})
export class ExampleModule {}
