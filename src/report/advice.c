#include "report/advice.h"

#define ANY UINT16_MAX

/* The first row that fits counts: single codes before their subjects. */
static const struct row {
    uint16_t subject;
    uint16_t detail;
    struct advice advice;
} rows[] = {
    {1,
     1,
     {"There is no mailbox with that address.",
      "Check the address for typing errors, or ask the recipient for the right one."}},
    {1,
     2,
     {"The domain, the part behind the \"@\", cannot be found.", "Check it for typing errors."}},
    {1, 3, {"The address is not written as the server wants it.", "Check it for typing errors."}},
    {1,
     6,
     {"The mailbox has moved, and nobody knows where to.",
      "Ask the recipient for the new address."}},
    {1, 10, {"That domain takes no mail.", "Check the address for typing errors."}},
    {1, ANY, {"Something is wrong with the address.", "Check it for typing errors."}},
    {2,
     1,
     {"The mailbox is there, but takes no mail at present.",
      "Try to reach the recipient in another way."}},
    {2,
     2,
     {"The recipient's mailbox is full.",
      "Try again later, or tell the recipient in another way."}},
    {2,
     3,
     {"The message is larger than the mailbox accepts.",
      "Send it without large attachments, or in parts."}},
    {2, ANY, {"Something is wrong with the recipient's mailbox.", "Try again later."}},
    {3, 1, {"The recipient's mail server has no room left.", "Try again later."}},
    {3,
     4,
     {"The message is larger than the recipient's mail server accepts.",
      "Send it without large attachments, or in parts."}},
    {3, ANY, {"Something is wrong with a mail system on the way.", "Try again later."}},
    {4,
     1,
     {"The recipient's mail server did not answer.", "It may be away, or the domain "
                                                     "may have a typing error."}},
    {4, 3, {"The recipient's mail server could not be looked up.", "Try again later."}},
    {4,
     4,
     {"No mail server could be found for that domain.",
      "Check the part behind the \"@\" for typing errors."}},
    {4,
     6,
     {"The message went in circles.",
      "Somebody has forwarded mail in a loop; the recipient or his mail administrator has to look "
      "into it."}},
    {4,
     7,
     {"The recipient's mail server could not be reached, or did not accept the message, for too "
      "long.",
      "Try again later, or tell the recipient in another way."}},
    {4, ANY, {"The message could not be passed on over the network.", "Try again later."}},
    {5, 3, {"The message had too many recipients.", "Send it to fewer at a time."}},
    {5, ANY, {"The mail servers did not understand each other.", ""}},
    {6,
     3,
     {"The recipient's mail server takes plain 7-bit text only, and the message cannot be turned "
      "into that on the way without damage.",
      "Send it again with a mail program that encodes it (quoted-printable or base64)."}},
    {6,
     7,
     {"The recipient's mail server does not support addresses or headers in this writing.",
      "Use addresses of plain letters, if there are any, and a mail program that encodes the "
      "rest."}},
    {6, ANY, {"The recipient's mail server does not accept this kind of content.", ""}},
    {7,
     1,
     {"The recipient's mail server does not permit this message.",
      "Its words may say why. Only its administrator can change that."}},
    {7,
     20,
     {"The message's signature (DKIM) was not accepted.",
      "Your own mail administrator can look into it."}},
    {7,
     23,
     {"The sending server is not among those that may send for your domain (SPF).",
      "Your own mail administrator can look into it."}},
    {7,
     25,
     {"The sending server has no proper name (reverse DNS).",
      "Your own mail administrator can look into it."}},
    {7,
     26,
     {"The recipient's mail server could not verify that the message is from your domain.",
      "Your own mail administrator can look into it (SPF, DKIM, DMARC)."}},
    {7, 28, {"The recipient's mail server got too much mail from your side.", "Try again later."}},
    {7,
     30,
     {"The message asks to be sent over verified encryption only, which the recipient's "
      "mail server does not offer.",
      ""}},
    {7,
     ANY,
     {"The recipient's mail server refused the message for reasons of security or policy.",
      "Its words may say why. Only its administrator can change that."}},
    {ANY,
     ANY,
     {"The recipient's mail server did not accept the message.", "Its words may say why."}},
};

const struct advice *advice_for(struct mail_status status)
{
    const struct row *row = rows;
    while ((row->subject != ANY && row->subject != status.subject) ||
           (row->detail != ANY && row->detail != status.detail))
        row++;
    return &row->advice;
}
