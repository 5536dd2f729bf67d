import { type CanActivate, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Env } from '#config';
import { Budgets } from './budgets.js';
import { clientNetwork } from './client-address.js';
import type { AuthenticatedRequest } from './security.decorator.js';

const POLICY = 'ashlar:address-budget';

interface AddressPolicy {
  name: string;
  /** The setting that holds the limit. */
  limit: 'AUTH_REGISTRATIONS_PER_HOUR' | 'AUTH_MAIL_REQUESTS_PER_HOUR' | 'CARTS_PER_HOUR' | 'GUEST_ORDERS_PER_HOUR';
  windowSeconds: number;
  /** Only calls without a login count. */
  strangers?: true;
}

/** Lets one network call the route only so often in a window, over all processes. */
export const LimitedPerAddress = (policy: AddressPolicy) => SetMetadata(POLICY, policy);

@Injectable()
export class AddressBudgetGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly budgets: Budgets,
    private readonly env: Env,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const policy = this.reflector.get<AddressPolicy | undefined>(POLICY, context.getHandler());
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    if (policy === undefined || (policy.strangers && request.actor)) return true;
    const network = clientNetwork(request.ip);
    await this.budgets.spend({ bucket: `${policy.name} ${network}`, limit: this.env[policy.limit], windowSeconds: policy.windowSeconds });
    return true;
  }
}
