import { event } from '#events';
import { IsInt } from 'class-validator';

export class ShopSettingsPayload {
  /** The version of the settings from now on. @example 2 */
  @IsInt()
  version: number;
}

export const shopSettingsUpdated = event('shop-settings.updated', {
  version: 1,
  payload: ShopSettingsPayload,
  description: 'The shop sells in another way: currencies, tax, shipping or its time zone were changed.',
  visibleTo: ['shop:manage'],
});
