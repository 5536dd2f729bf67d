export { senderOf } from './address.js';
export { AddressBook } from './address-book.js';
export { hasMailbox, MailModule } from './mail.module.js';
export { linksOf, Mailbox, type MailboxEntry } from './mailbox.js';
export { mailboxPage } from './mailbox-page.js';
export { send } from './send.js';
export { type Letter, type MailData, template } from './template.js';
