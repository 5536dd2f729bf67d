/** A command that cannot be carried out; the message is all the person needs. */
export class Refusal extends Error {}
