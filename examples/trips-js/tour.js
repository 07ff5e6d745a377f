// A workflow: books every city, or none. What was booked is given back when a later city is sold out.
import { bookHotel, cancelHotel } from "example:trips-js/activities";

export default function tour(service, cities) {
  const references = [];
  try {
    for (const city of cities) {
      references.push(bookHotel(service, { city, nights: 1 }));
    }
  } catch (error) {
    if (!(error instanceof obelisk.ChildError)) throw error;
    for (const reference of references.reverse()) {
      cancelHotel(service, reference);
    }
    throw error.value?.permanent_sold_out ? `sold out: ${error.value.permanent_sold_out}` : JSON.stringify(error.value);
  }
  return references;
}
