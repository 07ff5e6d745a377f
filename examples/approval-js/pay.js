// A workflow: pays small sums at once, and others if somebody approves within two days.
import { transfer } from "example:approval-js/activities";
import { approveSubmit } from "example:approval-js-obelisk-ext/stubs";

export default function pay(payment) {
  if (payment.cents <= 10_000) {
    return transfer(payment);
  }
  const answers = obelisk.createJoinSet({ name: "approval" });
  approveSubmit(answers, payment);
  const patience = answers.submitDelay({ days: 2 });
  const isApproved = answers.joinNext(); // the first that comes: a person's word, or the end of the delay
  if (answers.lastId === patience) {
    return "nobody answered"; // the question is closed with the workflow
  }
  return isApproved ? transfer(payment) : "declined";
}
