import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { ACCESS, type Access } from './security.decorator.js';

const PATH = 'path'; // Nest's own metadata of a route handler

/** Every permission that some role has; the application provides it. */
export class KnownPermissions {
  constructor(readonly permissions: ReadonlySet<string>) {}
}

/** Stops the start when a route does not say who may call it, or asks for a permission that no role can have. */
@Injectable()
export class RouteCheck implements OnApplicationBootstrap {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
    private readonly known: KnownPermissions,
  ) {}

  onApplicationBootstrap(): void {
    const faults: string[] = [];
    for (const { instance, metatype } of this.discovery.getControllers()) {
      if (!instance || !metatype) continue;
      for (const method of this.scanner.getAllMethodNames(Object.getPrototypeOf(instance) as object)) {
        const handler = (instance as Record<string, (...args: unknown[]) => unknown>)[method]!;
        if (Reflect.getMetadata(PATH, handler) === undefined) continue;
        const access = this.reflector.getAllAndOverride<Access | undefined>(ACCESS, [handler, metatype]);
        const route = `${metatype.name}.${method}`;
        if (access === undefined)
          faults.push(`${route} does not say who may call it: add @Requires('noun:verb'), @SignedIn() or @Public().`);
        else if (access.level === 'permission' && !this.known.permissions.has(access.permission))
          faults.push(`${route} requires ${access.permission}, which no role has: correct it or add it to a role.`);
      }
    }
    if (faults.length > 0) throw new Error(`The application cannot start:\n  ${faults.join('\n  ')}`);
  }
}
