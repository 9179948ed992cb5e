import { ForbiddenException, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { getTusUploads, type FileInfo, type HookEvent, type HookResult, type TusHooks } from 'nestjs-tus';

interface AuthenticatedRequest {
  /** Undefined without a login. */
  readonly user?: string;
}

/** Remembers who made an upload, before anything of it is stored. `request.user` is what ApiKeyGuard has set. */
@Injectable()
export class OwnerHooks implements TusHooks {
  preUploadCreate({ request }: HookEvent): HookResult {
    return { changes: { context: { owner: (request as AuthenticatedRequest).user ?? null } } };
  }
}

/** Lets users at their own uploads only: whatever they do with them, and whatever they make of them. */
@Injectable()
export class OwnerGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { user } = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const uploads = await getTusUploads(context);
    // On a route of the app's own no upload is known: there another guard must decide.
    if (user === undefined || !uploads?.every((upload) => ownerOf(upload) === user)) {
      throw new ForbiddenException('not yours');
    }
    return true;
  }
}

function ownerOf({ context }: FileInfo): unknown {
  return typeof context === 'object' && context !== null && 'owner' in context ? context.owner : undefined;
}
