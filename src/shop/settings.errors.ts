import { problem } from '#errors';

export const settingsContradict = problem(
  'shop/settings-contradict',
  'invalid',
  'The settings contradict each other',
  'What a rate or a shipping method names (a tax class, a currency) is not among the settings, or is named twice. `errors` names each.',
);
export const taxClassInUse = problem(
  'shop/tax-class-in-use',
  'conflict',
  'Products have the tax class',
  'A tax class can be taken out when no product has it any more, withdrawn ones included. Give those another `taxClass` first.',
);
