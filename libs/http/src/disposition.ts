/**
 * `Content-Disposition` (RFC 6266) for a name of any kind: plain ASCII for old readers, and the name itself as RFC 8187 writes it. Neither
 * line breaks nor quotes nor anything else of the name can end its place.
 */
export function attachmentName(kind: 'inline' | 'attachment', name: string): string {
  const ascii = name.replace(/[^ !#-$&-[\]-~]/g, '_'); // without quotes, backslashes and %, which readers decode or do not
  const exact = /^[ !#-$&-[\]-~]*$/.test(name) ? '' : `; filename*=UTF-8''${encoded(name)}`;
  return `${kind}; filename="${ascii}"${exact}`;
}

/** RFC 8187, 3.2.1: what is no `attr-char` goes as percent-encoded UTF-8. */
function encoded(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
