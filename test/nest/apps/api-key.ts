import { Injectable, Module, UnauthorizedException } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { getTusOperation, type TusOperation } from 'nestjs-tus';
import type { IncomingMessage } from 'node:http';

/** Something that a guard needs, from a module of the app. */
@Injectable()
export class ApiKeys {
  /** What the guard was told of the requests that it let in or not. */
  readonly seen: (TusOperation | undefined)[] = [];

  private readonly keys = new Map([
    ['k-ada', 'ada'],
    ['k-bob', 'bob'],
  ]);

  userOf(key: unknown): string | undefined {
    return typeof key === 'string' ? this.keys.get(key) : undefined;
  }
}

@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(private readonly keys: ApiKeys) {}

  canActivate(context: ExecutionContext): boolean {
    this.keys.seen.push(getTusOperation(context));
    const request = context.switchToHttp().getRequest<IncomingMessage & { user?: string }>();
    request.user = this.keys.userOf(request.headers['x-api-key']);
    if (!request.user) throw new UnauthorizedException('who are you?');
    return true;
  }
}

@Module({ providers: [ApiKeys, ApiKeyGuard], exports: [ApiKeys, ApiKeyGuard] })
export class AuthModule {}
