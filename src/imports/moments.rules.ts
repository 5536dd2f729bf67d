/** A day, a time, or words like "Jan 2, 2020"; in UTC unless it says otherwise. */
export function moment(text: string): Date | null {
  const [, year, month, day, time, zone = ''] =
    /^(\d{4})[-/](\d\d?)[-/](\d\d?)(?:[Tt ]+(\d\d?:\d\d(?::\d\d(?:\.\d{1,9})?)?)\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?)?$/.exec(text.trim()) ?? [];
  if (year === undefined) {
    if (
      !/^(?:[A-Za-z]{3,9},? )?(?:[A-Za-z]{3,9}\.? \d\d?|\d\d? [A-Za-z]{3,9}\.?),? \d{4}(?: \d\d:\d\d(?::\d\d)?(?: ?(?:Z|UTC|GMT|[+-]\d{4}))?)?$/.test(
        text.trim(),
      )
    )
      return null;
    const read = new Date(/(?:Z|UTC|GMT|[+-]\d{4})$/.test(text.trim()) ? text : `${text} UTC`);
    return Number.isNaN(read.getTime()) ? null : read;
  }
  const offset = /^[+-]/.test(zone) ? zone.replace(/^(...):?(..)$/, '$1:$2') : 'Z';
  const clock =
    time === undefined ? '00:00:00' : `${time.padStart(5, '0')}${time.split(':').length === 2 ? ':00' : ''}`.replace(/^(\d):/, '0$1:');
  const written = `${year}-${month!.padStart(2, '0')}-${day!.padStart(2, '0')}T${clock}${offset}`;
  // A day that its month has not is the next month's for JavaScript.
  const read = new Date(written);
  const isDay = Number(day) <= new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  return isDay && !Number.isNaN(read.getTime()) ? read : null;
}
