/** What a mail says, as text: the layout makes HTML and plain text of it, and escapes. */
export interface Letter {
  /** One line. */
  subject: string;
  paragraphs: readonly string[];
  /** What there is to know at a glance, as names and values. */
  facts?: readonly (readonly [name: string, value: string])[];
  /** The one thing to do; `path` lies below PUBLIC_URL, `page` below AUTH_LINKS_URL. */
  action?: { label: string; path: string } | { label: string; page: string };
  /** Why this person gets this mail. */
  reason: string;
}

/** What a mail is filled with; it lies in the database until the mail has been sent, so it survives JSON. */
export type MailData = Readonly<Record<string, unknown>>;

export interface Template<Data extends MailData> {
  readonly name: string;
  readonly write: (data: Data) => Letter;
}

const templates = new Map<string, Template<MailData>>();

/**
 * Defines a mail once: `const orderPaid = template<{ number: number }>('orders.paid', ({ number }) => ({ subject: …, … }))`. The name is
 * kept with mails that wait, so it outlives the code: rename none.
 */
export function template<Data extends MailData>(name: string, write: (data: Data) => Letter): Template<Data> {
  if (templates.has(name)) throw new Error(`The mail template ${name} is defined twice.`);
  const defined = { name, write };
  templates.set(name, defined as unknown as Template<MailData>);
  return defined;
}

/** Undefined for what a newer release wrote. */
export function templateNamed(name: string): Template<MailData> | undefined {
  return templates.get(name);
}
