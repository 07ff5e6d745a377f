// An activity: pays.
export default function transfer({ to, cents }) {
  return `paid ${(cents / 100).toFixed(2)} to ${to}`;
}
