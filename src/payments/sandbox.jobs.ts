import { job } from '#jobs';
import { IsIn, IsString } from 'class-validator';

export class DeliverPayload {
  /** The event as the receiver gets it, in JSON. */
  @IsString()
  body: string;
}

export class TurnPayload {
  @IsString()
  paymentId: string;

  @IsIn(['succeeds', 'is-disputed'])
  turn: 'succeeds' | 'is-disputed';
}

/** Sends one of the simulator's webhooks. */
export const deliverSandboxEvent = job('payments.sandbox-deliver', DeliverPayload);

/** Something happens to a charge in the simulator's world. */
export const turnSandboxCharge = job('payments.sandbox-turn', TurnPayload);
