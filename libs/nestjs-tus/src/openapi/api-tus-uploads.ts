import { applyDecorators } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import {
  ApiBody,
  ApiConsumes,
  ApiHeader,
  ApiOperation,
  ApiParam,
  ApiProduces,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { TusController } from '../http/tus.controller.js';
import { ROUTES, type DocumentedHeader, type DocumentedRoute } from './routes.js';

export interface ApiTusUploadsOptions {
  /** Group of the routes. Default `uploads`; `false`: none, for an `ApiTags` of your own. */
  readonly tag?: string | false;
}

type RouteName = Exclude<keyof TusController, symbol>;

/**
 * Describes an endpoint's routes to @nestjs/swagger: what they take, what they answer, and what their statuses mean.
 *
 * @example
 * TusModule.forRoot({ path: 'files', decorators: [ApiTusUploads()] })
 */
export function ApiTusUploads({ tag = 'uploads' }: ApiTusUploadsOptions = {}): ClassDecorator {
  return (target) => {
    const controller = target as unknown as Type<TusController>;
    for (const [name, route] of Object.entries(ROUTES) as [RouteName, DocumentedRoute][]) {
      describe(ownRoute(controller, name), describing(route), controller, name);
    }
    if (tag !== false) ApiTags(tag)(target);
  };
}

/**
 * Metadata stays with the function, and all endpoints share those of TusController: this one gets its own, which do the same and
 * carry what the shared one carries.
 */
function ownRoute(controller: Type<TusController>, name: RouteName): PropertyDescriptor {
  const prototype = controller.prototype as object;
  const shared = Reflect.get(prototype, name) as (...args: unknown[]) => unknown;
  const own = Object.getOwnPropertyDescriptor(prototype, name);
  if (own) return own;
  function route(this: TusController, ...args: unknown[]): unknown {
    return shared.apply(this, args);
  }
  Object.defineProperty(route, 'name', { value: name });
  for (const key of Reflect.getMetadataKeys(shared) as string[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, shared), route);
  }
  const descriptor = { value: route, writable: true, configurable: true, enumerable: false };
  Object.defineProperty(prototype, name, descriptor);
  return descriptor;
}

function describe(
  route: PropertyDescriptor,
  decorate: MethodDecorator,
  controller: Type<TusController>,
  name: RouteName,
): void {
  decorate(controller.prototype as object, name, route);
}

function describing({
  summary,
  description,
  headers,
  consumes,
  produces,
  onUpload,
  answers,
}: DocumentedRoute): MethodDecorator {
  const fieldsOf = (fields: readonly DocumentedHeader[] = []) =>
    Object.fromEntries(
      fields.map(({ name, about }) => [name, { description: about, schema: { type: 'string' } }]),
    );
  const binary = { type: 'string', format: 'binary' } as const;
  return applyDecorators(
    ApiOperation({ summary, description }),
    ...(onUpload
      ? [ApiParam({ name: 'id', description: 'Id of the upload', schema: { type: 'string' } })]
      : []),
    ...headers.map(({ name, about, required = false }) =>
      ApiHeader({ name, description: about, required, schema: { type: 'string' } }),
    ),
    ...(consumes ? [ApiConsumes(consumes), ApiBody({ required: false, schema: binary })] : []),
    ...(produces ? [ApiProduces(produces)] : []),
    ...answers.map(({ status, about, fields, hasContent }) =>
      ApiResponse({
        status,
        description: about,
        headers: fieldsOf(fields),
        ...(hasContent && { schema: binary }),
      }),
    ),
  );
}
