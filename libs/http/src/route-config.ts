import { RouteConfig } from '@nestjs/platform-fastify';

const CONFIG = '__fastify_route_config__'; // where RouteConfig leaves it

/** Adds to what Fastify knows of a route; Nest's own decorator replaces what another one has said. */
export const configure =
  (config: object): MethodDecorator =>
  (target, name, descriptor) => {
    const known = Reflect.getMetadata(CONFIG, descriptor.value as object) as object | undefined;
    RouteConfig({ ...known, ...config })(target, name, descriptor);
  };
