/** Where mails learn users' addresses; the application provides it. */
export abstract class AddressBook {
  /** The user's address as it is now; null when there is no such user any more. */
  abstract addressOf(userId: string): Promise<string | null>;
}
